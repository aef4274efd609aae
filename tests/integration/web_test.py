"""What the tests of the page's server share: a daemon whose token is known, and viewers of its page."""
from harness import SystemTest
from page_client import RawViewer, Viewer

TOKEN = "a-token-for-the-tests"


class WebTest(SystemTest):
    def start(self, *simulator, **settings):
        """A daemon with a page and a token that is known; the simulator is optional."""
        detector = self.start_simulator(*simulator) if simulator else None
        self.daemon = self.start_daemon(detector, {"web.token": TOKEN, "recording.enabled": False, **settings})
        return self.daemon

    def viewer(self, token=TOKEN, **options):
        viewer = Viewer(self.daemon.web, token, **options)
        self.addCleanup(viewer.close)
        return viewer

    def raw(self, **options):
        viewer = RawViewer(self.daemon.web, **options)
        self.addCleanup(viewer.close)
        return viewer

    def still_serves(self):
        """A newcomer is welcome and gets an answer."""
        viewer = Viewer(self.daemon.web, TOKEN)
        self.assertEqual(viewer.request("ping")[0]["version"], viewer.welcome["version"])
        viewer.close()
