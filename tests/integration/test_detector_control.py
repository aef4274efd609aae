"""What merlind tells the detector: which parameters, in which order, which not; and how it brings a detector back."""
import json
import threading
import unittest

import numpy as np

from fake_detector import FakeDetector, frame, hdr, mpx
from harness import CommandClient, ControlError, SystemTest, run_ctl, timeout, wait_for


def four_frames(send):
    send(hdr(4))
    for number in range(1, 5):
        send(frame(number, np.full((32, 256), number, np.uint8)))


class Base(SystemTest):
    def refusal(self, command, **arguments):
        with self.assertRaises(ControlError) as refused:
            self.client(command, **arguments)
        self.assertGreater(len(refused.exception.message), 10)
        return refused.exception

    def refused_parameter(self, code, name, **parameters):
        error = self.refusal("start", scan=[2, 2], parameters=parameters)
        self.assertEqual((error.code, error.field), (code, f"args.parameters.{name}"), error)
        return error.message

    def connect(self, detector, settings=None):
        self.daemon = self.start_daemon(detector, settings)
        self.client = self.control(self.daemon)

        def both():
            links = self.client.status()["detector"]
            return links["command"] == links["data"] == "connected"
        wait_for(both, 30, "both links")

    def fake(self, settings=None, stream=four_frames, **options):
        self.detector = FakeDetector(stream, **options)
        self.addCleanup(self.detector.close)
        self.connect(self.detector, settings)

    def run_four(self, **arguments):
        """A scan of four frames; returns what was SET for it, as {NAME: value} in the order of sending."""
        before = len(self.detector.sent("SET"))
        run = self.client("start", scan=[2, 2], **arguments)
        self.assertEqual(self.client.wait_finished(run["id"])["frames"]["placed"], 4)
        self.client.wait_state("idle")
        return dict(body.split(",")[1:] for body in self.detector.sent("SET")[before:])


class Order(Base):
    def test_modes_come_before_times_and_times_before_triggers(self):
        self.fake()
        sent = list(self.run_four(parameters={"THRESHOLD0": 25, "TRIGGERSTOP": 0, "ACQUISITIONPERIOD": 2, "ACQUISITIONTIME": 1,
                                              "NEWNAME": 3, "CONTINUOUSRW": 0, "COUNTERDEPTH": 6}))
        order = [sent.index(name) for name in ("CONTINUOUSRW", "COUNTERDEPTH", "ACQUISITIONPERIOD", "ACQUISITIONTIME",
                                               "TRIGGERSTART", "FILEENABLE", "THRESHOLD0")]
        self.assertEqual(order, sorted(order), sent)
        self.assertGreater(sent.index("TRIGGERSTOP"), sent.index("ACQUISITIONTIME"))
        self.assertGreater(sent.index("NEWNAME"), sent.index("FILEENABLE"))
        self.assertEqual(self.detector.sent("SET", "GET", "CMD")[-1], "CMD,STARTACQUISITION")

    def test_only_what_changed_is_sent_again(self):
        self.fake()
        first = self.run_four(parameters={"ACQUISITIONTIME": 1, "THRESHOLD0": 25})
        self.assertIn("THRESHOLD0", first)
        self.assertEqual(self.run_four(parameters={"ACQUISITIONTIME": 1, "THRESHOLD0": 25}), {})
        self.assertEqual(self.run_four(parameters={"ACQUISITIONTIME": 1.0, "THRESHOLD0": "26"}), {"THRESHOLD0": "26"})

    def test_a_new_mode_sends_times_and_triggers_again(self):
        self.fake()
        self.run_four(parameters={"ACQUISITIONTIME": 1, "COUNTERDEPTH": 6, "THRESHOLD0": 25})
        again = self.run_four(parameters={"ACQUISITIONTIME": 1, "COUNTERDEPTH": 12, "THRESHOLD0": 25})
        self.assertLessEqual({"COUNTERDEPTH", "ACQUISITIONTIME", "TRIGGERSTART"}, set(again))
        self.assertNotIn("THRESHOLD0", again)

    def test_what_somebody_else_changed_is_set_again(self):
        self.fake()
        self.run_four(parameters={"ACQUISITIONTIME": 1})
        self.detector.parameters["ACQUISITIONTIME"] = "7.000000"
        self.assertEqual(self.run_four(parameters={"ACQUISITIONTIME": 1})["ACQUISITIONTIME"], "1")
        self.assertEqual(self.detector.parameters["ACQUISITIONTIME"], "1")

    def test_a_refused_parameter_and_a_new_link_forget_what_was_sent(self):
        self.fake()
        self.run_four()
        self.detector.codes["THRESHOLD0"] = 3
        self.assertIn("range", self.refused_parameter("detector", "THRESHOLD0", THRESHOLD0=25))
        self.detector.codes.clear()
        self.assertIn("TRIGGERSTART", self.run_four())


class ReadBack(Base):
    def test_a_silent_reset_is_refused(self):
        self.fake()
        self.detector.on_set = lambda parameters, name: parameters.update(ACQUISITIONTIME="5.000000") \
            if name == "ACQUISITIONTIME" else None
        self.assertIn("5.000000", self.refused_parameter("detector", "ACQUISITIONTIME", ACQUISITIONTIME=1))
        self.assertNotIn("CMD,STARTACQUISITION", self.detector.asked)

    def test_a_lengthened_period_is_accepted_with_a_warning(self):
        self.fake()
        self.detector.on_set = lambda parameters, name: parameters.update(ACQUISITIONPERIOD="2.500000") \
            if name == "ACQUISITIONPERIOD" else None
        self.run_four(parameters={"ACQUISITIONPERIOD": 1})
        self.daemon.wait_line(r"lengthened ACQUISITIONPERIOD from 1 to 2.5", stream="err")

    def test_values_are_compared_as_numbers(self):
        self.fake()
        self.detector.on_set = lambda parameters, name: parameters.update({name: "%.6f" % float(parameters[name])})
        self.run_four(parameters={"ACQUISITIONTIME": "1e0", "TRIGGERSTOP": "0"})


class Presets(Base):
    def sent_for(self, **arguments):
        values = self.run_four(**arguments)
        return tuple(values.get(name) for name in ("TRIGGERSTART", "NUMFRAMESPERTRIGGER", "CONTINUOUSRW"))

    def test_what_each_sets(self):
        for preset, wanted in (("line-trigger", ("1", "2", "1")), ("pixel-trigger", ("1", "1", "0")),
                               ("single-start", ("1", "4", "1")), ("soft", ("5", "1", None)),
                               ("internal", ("0", "4", None))):
            with self.subTest(preset):
                self.fake()
                self.assertEqual(self.sent_for(preset=preset), wanted)

    def test_explicit_settings_win(self):
        self.fake()
        self.assertEqual(self.sent_for(preset="line-trigger", trigger="rising-lvds", parameters={"NUMFRAMESPERTRIGGER": 4}),
                         ("3", "4", "1"))

    def test_no_continuous_readout_where_it_cannot_be(self):
        self.fake()
        self.assertEqual(self.sent_for(preset="line-trigger", parameters={"COUNTERDEPTH": 24})[2], "0")

    def test_unknown_or_passive_is_refused(self):
        self.fake()
        for arguments in ({"preset": "lines"}, {"preset": "soft", "mode": "passive"}, {"preset": 1}):
            error = self.refusal("start", scan=[2, 2], **arguments)
            self.assertEqual((error.code, error.field), ("bad_value", "args.preset"))

    def test_merlinctl(self):
        self.fake()
        done = run_ctl(self.daemon, "start", "--scan", "2x2", "--preset", "single-start", "--wait")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.detector.parameters["TRIGGERSTART"], "1")
        self.assertEqual(self.detector.parameters["NUMFRAMESPERTRIGGER"], "4")


class Checks(Base):
    def setUp(self):
        super().setUp()
        self.fake()

    def nothing_was_sent(self):
        self.assertEqual(self.detector.sent("SET", "CMD"), [])

    def test_types_and_ranges_are_checked_before_anything_is_sent(self):
        for name, value, told in (("COUNTERDEPTH", 7, "24"), ("ACQUISITIONTIME", 0, "ms"), ("THRESHOLD0", 1000, "keV"),
                                  ("NUMFRAMESPERTRIGGER", 1.5, "whole"), ("TRIGGERSTART", "rising", "0 (internal)"),
                                  ("TEMPERATURE", 3, "read"), ("TRIGGERINTTLDELAY", 15, "10")):
            with self.subTest(name):
                self.assertIn(told, self.refused_parameter("bad_value", name, **{name: value}))
                error = self.refusal("set", name=name, value=value)
                self.assertEqual(error.code, "bad_value")
                self.assertIn(told, error.message)
        self.nothing_was_sent()

    def test_what_excludes_each_other_is_refused(self):
        for parameters in ({"CONTINUOUSRW": 1, "ENABLECOUNTER1": 2}, {"CONTINUOUSRW": 1, "COUNTERDEPTH": 24},
                           {"COUNTERDEPTH": 24, "ENABLECOUNTER1": 2}, {"CHARGESUMMING": 1, "ENABLECOUNTER1": 2},
                           {"ACQUISITIONTIME": .01, "CONTINUOUSRW": 1, "COUNTERDEPTH": 12}):
            with self.subTest(parameters):
                message = self.refused_parameter("bad_value", next(iter(parameters)), **parameters)
                for name in parameters:
                    self.assertIn(name, message)
        self.nothing_was_sent()

    def test_what_does_not_go_with_the_detectors_own_is_refused(self):
        self.client("set", name="CONTINUOUSRW", value=1)
        self.assertIn("CONTINUOUSRW", self.refused_parameter("bad_value", "ENABLECOUNTER1", ENABLECOUNTER1=2))
        self.run_four(parameters={"ENABLECOUNTER1": 2, "CONTINUOUSRW": 0})

    def test_unknown_names_are_passed_on(self):
        self.assertEqual(self.client("set", name="ROIROWS", value=64)["value"], "64")
        self.assertEqual(self.client("command", name="NEWCOMMAND"), {"name": "NEWCOMMAND"})
        self.assertIn("CMD,NEWCOMMAND", self.detector.asked)

    def test_answers_carry_unit_and_text(self):
        got = self.client("get", name="acquisitiontime")
        self.assertEqual((got["unit"], float(got["value"])), ("ms", 1))
        self.assertIn("shutter", got["text"])
        self.assertNotIn("unit", self.client("get", name="ROIROWS"))

    def test_describe_has_the_parameters(self):
        told = {(one["name"], one["access"]): one for one in self.client("describe")["parameters"]}
        self.assertGreater(len(told), 100)
        self.assertEqual(told["HVBIAS", "get/set"]["range"], "0 to 120")
        self.assertTrue(told["HVBIAS", "get/set"]["dangerous"])
        self.assertIn(("THSCAN", "command"), told)


class Dangerous(Base):
    def test_forbidden_unless_configured(self):
        self.fake()
        for command, arguments in (("set", {"name": "hvbias", "value": 90}), ("set", {"name": "DACFILE", "value": "x"}),
                                   ("command", {"name": "RESET"}), ("command", {"name": "Standby"}),
                                   ("start", {"scan": [2, 2], "parameters": {"HVBIAS": 90}})):
            error = self.refusal(command, **arguments)
            self.assertEqual(error.code, "forbidden", arguments)
            self.assertIn("detector.allow_dangerous", error.message)
        self.assertEqual(self.detector.sent("SET", "CMD"), [])
        self.assertEqual(run_ctl(self.daemon, "command", "RESET").returncode, 4)
        self.client("get", name="HVBIAS")

    def test_allowed_and_logged(self):
        self.fake({"detector.allow_dangerous": True})
        self.assertEqual(self.client("set", name="HVBIAS", value=90)["value"], "90")
        self.daemon.wait_line(r"HVBIAS 90 is sent on request", stream="err")
        self.client("command", name="RESET")
        self.assertIn("CMD,RESET", self.detector.asked)
        self.daemon.wait_line(r"RESET is sent on request", stream="err")
        self.assertEqual(self.run_four(parameters={"HVBIAS": 100})["HVBIAS"], "100")

    def test_harmless_commands(self):
        self.fake()
        self.assertIn("text", self.client("command", name="CLEARERROR"))
        done = run_ctl(self.daemon, "command", "SOFTTRIGGER")
        self.assertEqual((done.returncode, done.stdout), (0, "SOFTTRIGGER: done\n"), done)
        self.assertEqual(self.detector.sent("CMD"), ["CMD,CLEARERROR", "CMD,SOFTTRIGGER"])
        error = self.refusal("command", name="startacquisition")
        self.assertEqual((error.code, error.field), ("bad_value", "args.name"))
        self.assertIn("start", error.message)


class Recovery(Base):
    def test_a_busy_detector_is_stopped(self):
        self.fake()
        self.detector.status = 1
        self.assertEqual(self.refusal("start", scan=[2, 2]).code, "detector")
        self.assertEqual(self.client("stop"), {"state": "idle", "actions": ["STOPACQUISITION"]})
        self.run_four()

    def test_one_that_does_not_stop_is_aborted(self):
        self.fake()
        self.detector.status = 4
        self.detector.ignored = {"STOPACQUISITION"}
        done = run_ctl(self.daemon, "stop")
        self.assertEqual((done.returncode, done.stdout), (0, "sent STOPACQUISITION, ABORT: idle\n"), done)
        self.run_four()

    def test_one_that_does_not_abort_either_is_told(self):
        self.fake()
        self.detector.status = 1
        self.detector.ignored = {"STOPACQUISITION", "ABORT"}
        error = self.refusal("stop")
        self.assertEqual(error.code, "detector")
        self.assertIn("busy", error.message)

    def test_an_error_is_aborted_and_cleared(self):
        told = threading.Event()

        def wire(body):
            if body.startswith(b"CMD,ABORT"):
                told.wait(timeout(20))
            return mpx(body)
        self.fake(wire=wire)
        self.detector.status = 3
        self.assertIn("error", self.refusal("start", scan=[2, 2]).message)
        waiting = self.client.send("stop")
        other = self.control(self.daemon)
        wait_for(lambda: "CMD,ABORT" in self.detector.asked, 10, "ABORT")
        with self.assertRaises(ControlError) as refused:
            other("start", scan=[2, 2])
        self.assertEqual(refused.exception.code, "busy")
        told.set()
        reply, _ = self.client.receive()
        self.assertEqual(reply, {"id": waiting, "ok": True,
                                 "result": {"state": "idle", "actions": ["ABORT", "CLEARERROR"]}})
        self.run_four()

    def test_a_fault_during_a_run_is_cleared(self):
        def the_first_again_and_again(send):  # a detector in error whose link is quiet would end the run by itself
            going = send(hdr(4))
            while going and not self.detector.stopped.wait(0.05):
                going = send(frame(1, np.ones((32, 256), np.uint8)))
        self.fake(stream=the_first_again_and_again)
        run = self.client("start", scan=[2, 2])
        self.client.wait_state("acquiring")
        self.detector.status = 3
        self.client.wait_state("fault")
        self.assertEqual(self.client("stop")["actions"], ["ABORT", "CLEARERROR"])
        self.assertEqual(self.client.wait_finished(run["id"])["reason"], "stopped")
        self.client.wait_state("idle")
        self.detector.stream = four_frames
        self.run_four()

    def test_nothing_is_sent_to_an_idle_detector(self):
        self.fake()
        self.assertEqual(self.client("stop"), {"state": "idle", "actions": []})
        self.assertEqual(self.detector.sent("CMD"), [])

    def test_the_end_of_the_daemon_answers_a_stop(self):
        self.fake()
        self.detector.status = 3
        self.client.send("stop")
        wait_for(lambda: "CMD,ABORT" in self.detector.asked, 10, "ABORT")
        self.daemon.stop()


class RefusedRun(Base):
    """The first frame has fewer pixels than its header says, and the detector sends such until it is stopped."""

    def fake_of_cut_frames(self, **options):
        def until_it_is_stopped(send):
            number, going = 1, send(hdr(0))
            while going and not self.detector.stopped.wait(0.001):
                going = send(mpx(frame(number, np.ones((32, 256), np.uint8))[15:2000]))
                number += 1
        self.fake(stream=until_it_is_stopped, **options)

    def start_in_vain(self):
        summary = self.client.wait_finished(self.client("start", scan=[2, 2])["id"])
        self.assertEqual((summary["reason"], summary["cause"]), ("short", "refused"), summary)
        self.assertIn("frame at byte", summary["detail"])

    def wait_why(self, text):
        wait_for(lambda: text in self.client.status()["why"], 20, lambda: f"{text!r}: {self.client.status()['why']}")

    def test_its_detector_is_stopped_and_the_next_start_waits_for_that(self):
        self.fake_of_cut_frames()
        for _ in range(2):
            self.start_in_vain()
        self.wait_why("the detector was stopped")
        self.assertEqual(self.detector.sent("CMD"), ["CMD,STARTACQUISITION", "CMD,STOPACQUISITION"] * 2)

    def test_frames_that_come_before_the_detector_says_that_it_has_started(self):
        def after_the_refusal(body):
            if body.startswith(b"CMD,STARTACQUISITION"):
                self.daemon.wait_line("a run could not begin", stream="err")
            return mpx(body)
        self.fake_of_cut_frames(wire=after_the_refusal)
        self.start_in_vain()
        self.wait_why("the detector was stopped")
        self.assertEqual(self.detector.sent("CMD"), ["CMD,STARTACQUISITION", "CMD,STOPACQUISITION"])

    def test_a_detector_that_does_not_stop_is_told_of(self):
        self.fake_of_cut_frames()
        self.detector.ignored = {"STOPACQUISITION", "ABORT"}
        self.start_in_vain()
        self.wait_why("still busy")
        self.assertEqual(self.detector.sent("CMD"), ["CMD,STARTACQUISITION", "CMD,STOPACQUISITION", "CMD,ABORT"])

    def test_it_is_stopped_before_the_daemon_ends(self):
        self.fake_of_cut_frames()
        self.start_in_vain()
        self.daemon.stop()
        self.assertIn("CMD,STOPACQUISITION", self.detector.sent("CMD"))

    def test_a_detector_that_somebody_else_started_is_left_going(self):
        self.fake_of_cut_frames()
        self.detector.start()
        self.wait_why("who started the detector has to stop it")
        strays = self.client.status()["stray"]["frames"]
        wait_for(lambda: self.client.status()["stray"]["frames"] > strays, 20, "more of its frames")
        self.assertEqual(self.detector.sent("CMD"), [])
        self.assertEqual(self.client("stop")["actions"], ["STOPACQUISITION"])


class Replies(Base):
    """Replies as they were met in the field: all of them are understood."""

    def test_bent_replies(self):
        late = b"GET,TEMPERATURE,21.5,0"
        for name, wire in (
                ("one short", lambda body: b"MPX,%010d,%s" % (len(body), body)),
                ("NUL after", lambda body: mpx(body) + b"\0"),
                ("line end after", lambda body: mpx(body) + b"\r\n"),
                ("stray bytes before", lambda body: b"\x17MP,M" + mpx(body)),
                ("NULs in the prefix", lambda body: b"M\0PX,\0" + mpx(body)[4:]),
                ("short length", lambda body: b"MPX,%d,%s" % (len(body) + 1, body)),
                ("a late reply before", lambda body: mpx(late) + mpx(body)),
                ("garbage message before", lambda body: mpx(b"nonsense") + mpx(body))):
            with self.subTest(name):
                self.fake(wire=wire)
                self.run_four(parameters={"ACQUISITIONTIME": 1.5})
                self.assertEqual(float(self.client("get", name="ACQUISITIONTIME")["value"]), 1.5)
                self.assertEqual(self.client("command", name="CLEARERROR")["name"], "CLEARERROR")

    def test_no_reply_is_told_and_the_next_is_understood(self):
        silent = threading.Event()
        self.fake(wire=lambda body: b"" if silent.is_set() else mpx(body))
        silent.set()
        error = self.refusal("start", scan=[2, 2])
        self.assertEqual(error.code, "detector")
        self.assertIn("no answer", error.message)
        silent.clear()
        self.run_four()

    def test_values_with_commas(self):
        self.fake()
        self.detector.parameters["CHIPTEMPS"] = "40.1,40.2,40.1,40.3"
        self.assertEqual(self.client("get", name="CHIPTEMPS")["value"], "40.1,40.2,40.1,40.3")


class Simulated(Base):
    """The same against merlin-sim, which resets what does not go together as a Merlin does."""

    def simulate(self, *options):
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "4x4", "--fps", "500", *options)
        self.connect(self.simulator)

    def scan(self, **arguments):
        run = self.client("start", scan=[4, 4], recording=False, **arguments)
        summary = self.client.wait_finished(run["id"])
        self.assertEqual((summary["reason"], summary["frames"]["placed"]), ("complete", 16), summary)

    def test_every_preset_that_starts_by_itself(self):
        self.simulate()
        for preset in ("internal", "line-trigger", "pixel-trigger", "single-start", "line-trigger"):
            with self.subTest(preset):
                self.scan(preset=preset)

    def test_soft_triggers(self):
        self.simulate()
        run = self.client("start", scan=[2, 2], recording=False, preset="soft")
        for _ in range(4):
            self.client("command", name="SOFTTRIGGER")
        self.assertEqual(self.client.wait_finished(run["id"])["reason"], "complete")

    def test_both_counters(self):
        self.simulate()
        self.scan()
        self.client("get", name="CONTINUOUSRW")
        self.refused_parameter("bad_value", "ENABLECOUNTER1", ENABLECOUNTER1=2)
        self.client("set", name="CONTINUOUSRW", value=0)
        self.assertEqual(self.client("set", name="ENABLECOUNTER1", value=2)["value"], "2")
        other = CommandClient(self.simulator.command_port)
        self.addCleanup(other.close)
        other.set("ENABLECOUNTER1", 0)
        self.scan(preset="line-trigger", parameters={"ENABLECOUNTER1": 0})

    def test_armed_on_old_and_new_servers(self):
        for options in ((), ("--old-status",)):
            with self.subTest(options):
                self.simulate(*options)
                self.client("start", scan=[4, 4], preset="soft", recording=False)
                self.client.wait_state("armed")
                self.assertEqual(self.client("stop")["actions"], ["STOPACQUISITION"])
                self.client.wait_state("idle")
                self.scan()

    def test_a_reset_drops_the_link_and_it_comes_back(self):
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "4x4", "--fps", "500")
        self.connect(self.simulator, {"detector.allow_dangerous": True})
        self.scan()
        try:
            self.client("command", name="RESET")
        except ControlError as error:  # the link may break before the reply has come
            self.assertEqual(error.code, "not_connected")
        wait_for(lambda: json.dumps(self.client.status()["detector"]).count('"connected"') == 2, 30, "both links")
        self.scan()


if __name__ == "__main__":
    unittest.main()
