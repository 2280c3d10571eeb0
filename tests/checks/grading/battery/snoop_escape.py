"""The way out of the room: chroot again, mount, new namespaces, raw devices."""

HONEST = ("98.1", "98.2")


def make(book):
    book.last("""
import ctypes, os
libc = ctypes.CDLL(None)
done = []
os.makedirs("inner", exist_ok=True)
try:
    os.chroot("inner")
    done.append("SECRET chroot")
except OSError:
    pass
if libc.unshare(0x10000000) == 0:
    done.append("SECRET user namespace")
if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0:
    done.append("SECRET mount")
if os.getuid() != 0:
    try:
        os.setuid(0)
        done.append("SECRET root")
    except OSError:
        pass
for name in os.listdir("/dev"):
    if name.startswith(("vd", "sd", "nvme", "mem", "kmsg")):
        done.append("SECRET device " + name)
raise ValueError("FOUND " + " ".join(done))
""")
