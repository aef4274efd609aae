"""A network in between that loses, delays and overtakes packets, for kernels without netem: two TUN devices, each in a network namespace of its
own, and this program, which carries what goes into one to the other."""
import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PACKET_MAX = 65536


def open_device():
    """(descriptor, name) of a new device, which lives as long as the descriptor is open, in whatever namespace."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", b"merlin%d", IFF_TUN | IFF_NO_PI))
    return descriptor, request[:16].rstrip(b"\0").decode()


class LossyWire:
    def __init__(self, loss, delay, jitter):
        """`loss`: part of the packets; `delay` and `jitter` in s, either way: delay - jitter to delay + jitter, each packet by itself."""
        self.loss, self.delay, self.jitter = loss, delay, jitter
        self.ends = [open_device() for _ in range(2)]
        self.random, self.waiting = random.Random(7), []
        self.carried = self.lost = self.overtaken = 0
        self.stopping = False
        self.thread = threading.Thread(target=self._carry, daemon=True)

    def names(self):
        return [name for _, name in self.ends]

    def start(self):
        self.thread.start()

    def _take(self, number, descriptor):
        packet = os.read(descriptor, PACKET_MAX)
        if self.random.random() < self.loss:
            self.lost += 1
            return
        due = time.monotonic() + self.delay + self.random.uniform(-self.jitter, self.jitter)
        self.overtaken += any(due < other for other, _, to, _ in self.waiting if to == 1 - number)
        self.carried += 1
        heapq.heappush(self.waiting, (due, self.carried, 1 - number, packet))

    def _give(self):
        """What is due. Returns how long there is until the next one."""
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, number, packet = heapq.heappop(self.waiting)
            try:
                os.write(self.ends[number][0], packet)
            except OSError:  # the far end is down, or has no room: another one that is lost
                self.lost += 1
        return max(0.0, self.waiting[0][0] - time.monotonic()) if self.waiting else 0.1

    def _carry(self):
        descriptors = [descriptor for descriptor, _ in self.ends]
        while not self.stopping:
            for descriptor in select.select(descriptors, [], [], self._give())[0]:
                self._take(descriptors.index(descriptor), descriptor)

    def close(self):
        self.stopping = True
        if self.thread.is_alive():
            self.thread.join()
        for descriptor, _ in self.ends:
            os.close(descriptor)
