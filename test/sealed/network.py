"""The network of a sealed namespace, without any package: raises the loopback, answers no name, and, if asked, holds
the default route on an interface of its own that counts and names every packet.

    network.py <report> no-route|default-route

The report is one JSON line for each packet and each name that was asked for; "ready" on standard output says that all
of it stands. Ends with its standard input.
"""
import ctypes, fcntl, json, os, select, signal, socket, struct, sys

# Ctrl-C is for those who clean up; this one ends with its standard input.
signal.signal(signal.SIGINT, signal.SIG_IGN)

report_path, way = sys.argv[1], sys.argv[2]
report = open(report_path, "a", buffering=1)
SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, SIOCGIFINDEX = 0x890B, 0x8914, 0x8916, 0x891C, 0x8933
TUNSETIFF, IFF_TUN, IFF_NO_PI, IFF_UP = 0x400454CA, 0x0001, 0x1000, 0x1
v4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def up(name):
    fcntl.ioctl(v4, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), IFF_UP))


def sockaddr(address):
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))


def index(name):
    return struct.unpack("16si", fcntl.ioctl(v4, SIOCGIFINDEX, struct.pack("16si", name.encode(), 0)))[1]


def quiet(name):
    # What the kernel says by itself on a new interface (neighbours, routers, groups) would have to be excused.
    for key, value in (("addr_gen_mode", 1), ("autoconf", 0), ("accept_ra", 0), ("router_solicitations", 0), ("accept_dad", 0)):
        path = f"/proc/sys/net/ipv6/conf/{name}/{key}"
        if os.path.exists(path):
            with open(path, "w") as file:
                file.write(str(value))


def default_route():
    quiet("default")
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH14x", b"outside", IFF_TUN | IFF_NO_PI))
    quiet("outside")
    for name, address, mask in (("lo:1", "198.51.100.1", "255.255.255.255"),):
        fcntl.ioctl(v4, SIOCSIFADDR, struct.pack("16s16s8x", name.encode(), sockaddr(address)))
        fcntl.ioctl(v4, SIOCSIFNETMASK, struct.pack("16s16s8x", name.encode(), sockaddr(mask)))
    up("outside")
    device = ctypes.create_string_buffer(b"outside")
    # struct rtentry of a 64-bit Linux: pad, dst, gateway, genmask, flags, pads, metric, dev, mtu, window, irtt.
    none = sockaddr("0.0.0.0")
    entry = struct.pack("L16s16s16sHh4xLPh6xPLLH6x", 0, none, none, none, 1, 0, 0, 0, 0, ctypes.addressof(device), 0, 0, 0)
    fcntl.ioctl(v4, SIOCADDRT, entry)
    if socket.has_ipv6 and os.path.exists("/proc/sys/net/ipv6"):
        v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        fcntl.ioctl(v6, SIOCSIFADDR, struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, "fd00:5ea1::1"), 128, index("lo")))
        any6 = bytes(16)
        fcntl.ioctl(v6, SIOCADDRT, struct.pack("16s16s16sIHHILIi", any6, any6, any6, 0, 0, 0, 1, 0, 1, index("outside")))
    return tun


def packet(data):
    version = data[0] >> 4
    if version == 4:
        header, protocol, target = (data[0] & 15) * 4, data[9], socket.inet_ntop(socket.AF_INET, data[16:20])
    else:
        header, protocol, target = 40, data[6], socket.inet_ntop(socket.AF_INET6, data[24:40])
    ports = struct.unpack("!HH", data[header:header + 4]) if protocol in (6, 17) and len(data) >= header + 4 else (0, 0)
    return {"packet": target, "protocol": protocol, "port": ports[1]}


def name_in(query):
    labels, at = [], 12
    while at < len(query) and query[at] != 0:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels)


up("lo")
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("127.0.0.1", 53))
watched = [sys.stdin, names]
tun = default_route() if way == "default-route" else None
if tun is not None:
    watched.append(tun)
print("ready", flush=True)
while True:
    for source in select.select(watched, [], [])[0]:
        if source is sys.stdin:
            if sys.stdin.buffer.read1(64) == b"":
                sys.exit(0)
        elif source is names:
            query, asker = names.recvfrom(2048)
            report.write(json.dumps({"name": name_in(query)}) + "\n")
            names.sendto(query[:2] + b"\x81\x85" + query[4:6] + bytes(6) + query[12:], asker)
        else:
            report.write(json.dumps(packet(os.read(tun, 65536))) + "\n")
