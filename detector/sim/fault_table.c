#include "detector/sim/fault_table.h"

const struct fault_description fault_table[FAULT_KINDS] = {
    [FAULT_DROP] = {"drop", "N[,N...]|p=P", NULL, 0, 0, 0, true, true, true, true,
                    "frames are taken and never sent",
                    "holes with a status; later frames stay in their places"},
    [FAULT_DUPLICATE] = {"duplicate", "N[,N...]|p=P", NULL, 0, 0, 0, true, true, true, true,
                         "frames are sent twice", "the second one is counted, and no place moves"},
    [FAULT_REORDER] = {"reorder", "N[,N...]|p=P[,by=K]", "by", 1, 1, 1000, true, true, true, true,
                       "frames are sent after the K frames that follow them (1)",
                       "every frame is where its number says, or kept apart and marked as late"},
    [FAULT_CUT] = {"cut", "N", NULL, 0, 0, 0, true, true, false, true,
                   "the link closes in the middle of frame N; the socket listens again at once",
                   "whole frames are kept, the run ends short with the link as its cause, the link "
                   "is made again"},
    [FAULT_CLOSE] = {"close", "N", NULL, 0, 0, 0, true, true, false, true,
                     "the link closes after frame N; the socket listens again at once",
                     "as cut, with frame N kept"},
    [FAULT_GARBAGE] =
        {"garbage", "N[,N...]|p=P[,bytes=K]", "bytes", 100, 1, 1 << 20, true, true, true, true,
         "K bytes of no meaning (100), false prefixes among them, before frame N; 0 is "
         "before the acquisition header",
         "passed over and counted; no frame that is whole is lost"},
    [FAULT_WRONG_LENGTH] = {"wrong-length", "N[,N...]|p=P[,by=K]", "by", -1, -1000000, 1000000,
                            true, true, true, true,
                            "the length before frame N is wrong by K bytes (-1)",
                            "at most that frame and its neighbour are lost; the stream is found "
                            "again"},
    [FAULT_SECOND_HDR] = {"second-hdr", "", NULL, 0, 0, 0, false, false, false, true,
                          "the acquisition header comes twice before the first frame",
                          "nothing is lost; the run is the same one or the next one, and whole"},
    [FAULT_MID_HDR] = {"mid-hdr", "N", NULL, 0, 0, 0, true, true, false, true,
                       "an acquisition header comes again before frame N",
                       "the frame numbers go on, so it is a repetition: nothing is lost"},
    [FAULT_RESTART] = {"restart", "N", NULL, 0, 0, 0, true, true, false, true,
                       "before frame N an acquisition header comes and numbering begins again at 1",
                       "the run ends short there and the next one begins"},
    [FAULT_LATE_HDR] = {"late-hdr", "N", NULL, 0, 0, 0, true, true, false, true,
                        "the acquisition header comes only after frame N",
                        "the frames before it are kept or counted as stray, never silently lost"},
    [FAULT_NO_HDR] =
        {"no-hdr", "", NULL, 0, 0, 0, false, false, false, true,
         "no acquisition header, though USEACQUISITIONHEADERS is 1",
         "frames without a header are recorded or counted as stray, and the operator is told"},
    [FAULT_SLOW] = {"slow", "mb=X", "mb", 10, 0.001, 100000, false, false, false, true,
                    "the link carries X MB/s (10)",
                    "nothing is lost; with --buffer and --fps stalls are reported"},
    [FAULT_STALL] =
        {"stall", "N[,ms=T]", "ms", 100, 0.001, 1e6, true, true, false, false,
         "the detector is paused for T ms (100) before frame N: its exposure is longer, "
         "or the gap before it",
         "the stall is reported with its frame; scan positions may be shifted from "
         "there"},
    [FAULT_NUMBER_WRAP] =
        {"number-wrap", "[first=N][,digits=6|7]", "digits", 6, 6, 7, false, false, false, true,
         "numbering begins at N (999990) and goes on at 0 after 999,999, or with 7 "
         "digits",
         "frames keep their order and places across the wrap"},
    [FAULT_EARLY_END] = {"early-end", "N", NULL, 0, 0, 0, true, true, false, false,
                         "the detector goes idle after N frames",
                         "the run ends short, by the detector being idle"},
    [FAULT_STATUS3] =
        {"status3", "[N]", NULL, 0, 0, 0, true, false, false, false,
         "the acquisition breaks off after N frames (0) and DETECTORSTATUS is 3 until "
         "CLEARERROR",
         "the operator is told; the run ends short; CLEARERROR is tried"},
    [FAULT_REFUSE] = {"refuse", "NAME[,code=1|2|3][,times=K]", "code", 3, 1, 3, false, false, false,
                      false,
                      "SET NAME or CMD NAME is answered with the code (3, out of range) and does "
                      "nothing",
                      "the operator is told which setting was refused; nothing is armed"},
    [FAULT_SHORT_REPLY] = {"short-reply", "", NULL, 0, 0, 0, false, false, false, false,
                           "the length of replies on the command socket is one short",
                           "replies are understood all the same"},
    [FAULT_TRAILING] = {"trailing", "", NULL, 0, 0, 0, false, false, false, false,
                        "NUL and newline after every reply, not counted in its length",
                        "passed over"},
};
