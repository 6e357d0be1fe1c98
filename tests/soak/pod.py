# SPDX-License-Identifier: BSD-2-Clause
"""One pod of the churn: its life, and what its kernel and podtag say of it."""
import collections
import contextlib
import ctypes
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import threading
import time
import types

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("PT_BUILD", os.path.join(os.path.dirname(TESTS), "build"))
TOOLS = os.path.join(BUILD, "tests", "lib")
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
QUIET_SECONDS = 90
UNTOLD = os.environ.get("UNTOLD")


def load_driver():
    """tests/lib/cni, a program without .py in its name."""
    loader = importlib.machinery.SourceFileLoader("cni", os.path.join(TESTS, "lib", "cni"))
    spec = importlib.util.spec_from_loader("cni", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


cni = load_driver()


def chain(name, base, **podtag_keys):
    ipam = {"type": "host-local", "ranges": [[{"subnet": base.pop("subnet")}]], "routes": [{"dst": "0.0.0.0/0"}]}
    return {"name": name, "cniVersion": "1.0.0", "plugins": [dict(base, ipam=ipam), dict(type="podtag", **podtag_keys)]}


CHAINS = {
    "ptp": chain("ptp", {"type": "ptp", "subnet": "10.1.0.0/24"}),
    "bridge": chain("bridge", {"type": "bridge", "bridge": "br1", "isGateway": True, "subnet": "10.2.0.0/24"}),
    "marked": chain("marked", {"type": "ptp", "subnet": "10.3.0.0/24"}, markMask="0xffff0000"),
}
NETWORKS = list(CHAINS)


class Wrong(Exception):
    """What differs, in words."""


class Ledger:
    """What the driver did, to be compared with what podtag counted."""

    def __init__(self):
        self.count = collections.Counter()
        self.lock = threading.Lock()

    def add(self, what, number=1):
        with self.lock:
            self.count[what] += number


def podtag(command, netns, container, conf, args="", kill_after=None):
    """The plugin alone, perhaps killed after so many seconds: subprocess.run()'s answer."""
    env = {"CNI_COMMAND": command, "CNI_NETNS": netns, "CNI_CONTAINERID": container,
           "CNI_IFNAME": "eth0" if container else "", "CNI_PATH": "/", "CNI_ARGS": args}
    with subprocess.Popen([os.path.join(BUILD, "podtag")], env=env, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(conf).encode())
            process.stdin.close()
        process.stdin = None
        if kill_after is not None:
            time.sleep(kill_after)
            process.kill()
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextlib.contextmanager
def inside(netns):
    """This thread, and what it starts, in that network namespace."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(f"/run/netns/{netns}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if LIBC.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {netns}")
        yield
    finally:
        LIBC.setns(here, CLONE_NEWNET)
        os.close(here)
        os.close(there)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def link_counters():
    """(rxp, rxb, txp, txb) of eth0 in this thread's namespace, None without one."""
    for line in read("/proc/thread-self/net/dev").splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "eth0":
            field = numbers.split()
            return tuple(int(field[i]) for i in (1, 0, 9, 8))
    return None


def retransmit_counters():
    """(RetransSegs, TCPSynRetrans) of this thread's namespace."""
    value = {}
    for path in ("snmp", "netstat"):
        lines = read("/proc/thread-self/net/" + path).splitlines()
        for names, numbers in zip(lines[::2], lines[1::2]):
            value.update(zip(names.split(), numbers.split()))
    return int(value["RetransSegs"]), int(value["TCPSynRetrans"])


def is_quiet():
    """No socket of this thread's namespace can send again: all listen, are closed, or wait."""
    lines = read("/proc/thread-self/net/tcp").splitlines()[1:]
    return all(line.split()[3] in ("06", "07", "0A") for line in lines)


class Pod:
    def __init__(self, name, kind, outside, ledger, dice):
        self.name, self.chain, self.ledger, self.dice = name, kind, ledger, dice
        self.outside, self.outside_address, self.port = outside
        self.container = "c0ffee-" + name
        self.netns = "/run/netns/" + name
        self.args = f"IgnoreUnknown=1;K8S_POD_NAMESPACE=soak;K8S_POD_NAME={name}"
        options = types.SimpleNamespace(container_id=self.container, netns=self.netns, ifname="eth0",
                                        args=self.args, prev=None, runtime_config={})
        self.attachment = cni.Attachment(CHAINS[kind], options)
        self.attachment.add_one = self.add_one
        self.processes = []
        self.id = self.offset = self.result = None
        self.has_chain = False

    # what podtag and the kernel say

    def counts(self, *key):
        run = subprocess.run([os.path.join(TOOLS, "counts"), *map(str, key or (self.chain, self.container, "eth0"))],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)
        if run.returncode:
            raise Wrong(f"podtag does not know it: counts {key} {run.stderr}")
        field = run.stdout.split()
        return field[:4], tuple(map(int, field[4:8])), tuple(map(int, field[8:]))

    def same_moment(self, kernel, podtags):
        """Both, from a moment in which the first did not change."""
        before = kernel()
        for _ in range(200):
            value = podtags()
            after = kernel()
            if after == before:
                return before, value
            before = after
            time.sleep(0.01)
        raise Wrong("no quiet moment")

    # its life

    def add_one(self, plugin, prev):
        """ADD of one plugin of the chain, for tests/lib/cni."""
        if plugin["type"] != "podtag":
            return cni.execute("ADD", self.attachment.conf(plugin, prev), self.attachment.env)
        conf = self.attachment.conf(plugin, prev)
        with inside(self.name):
            self.before = link_counters()
        if self.killed:
            self.kill_adds(conf)
        if self.killed == 2:
            return prev
        self.ledger.add("ADD")
        run = podtag("ADD", self.netns, self.container, conf, self.args)
        if run.returncode or json.loads(run.stdout) != prev:
            raise Wrong(f"ADD: {run}")
        self.conf = conf
        return prev

    def kill_adds(self, conf):
        for _ in range(self.dice.randint(1, 3)):
            run = podtag("ADD", self.netns, self.container, conf, self.args, self.dice.random() * 0.0015)
            self.ledger.add("ADD" if run.returncode == 0 else "killed")

    def begin(self):
        """Namespace and chain. False when podtag's only ADD was killed."""
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        with inside(self.name):
            for path, value in (("ipv6/conf/all/disable_ipv6", "1"), ("ipv4/tcp_no_metrics_save", "1")):
                with open("/proc/sys/net/" + path, "w", encoding="ascii") as file:
                    file.write(value)
        self.killed = self.dice.choices((0, 1, 2), (92, 5, 3))[0]  # 1: then one that is not, 2: none
        self.has_chain = True
        self.result = self.attachment.add()
        return self.killed != 2

    def is_observed(self):
        """Whether podtag could do its work. It may not where the node is too busy for its second."""
        try:
            (self.id, hook, reason, _), _, _ = self.counts()
        except Wrong:
            hook = reason = "-"
        if hook != "-":
            return True
        if reason != "-":
            raise Wrong(f"no hook: {reason}")
        self.ledger.add("degraded")
        self.id = None
        return False

    def baseline(self):
        """What the interface counted before podtag was there."""
        with inside(self.name):
            link, ((_, hook, reason, _), mine, _) = self.same_moment(link_counters, self.counts)
        if hook != ("tcx" if self.chain == "marked" else "clsact") or reason != "-":
            raise Wrong(f"hook {hook}, {reason}")
        self.offset = tuple(a - b for a, b in zip(link, mine))
        # others broadcast on a bridge, between reading the counters and ADD
        if self.offset != self.before and (self.chain != "bridge" or self.offset < self.before):
            raise Wrong(f"traffic from the first packet on: {self.before} before ADD, {self.offset} not counted")

    def start(self, netns, *arguments):
        with inside(netns):
            process = subprocess.Popen([os.path.join(TOOLS, "load"), *map(str, arguments)],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.processes.append(process)
        return process

    def traffic(self):
        address = self.result["ips"][0]["address"].split("/")[0]
        server = self.start(self.name, "serve", "0.0.0.0", self.port)
        if server.stdout.readline() != "ready\n":
            raise Wrong("no server")
        size = ("-c", 6, "-j", 3, "-u", self.dice.randint(1000, 60000), "-d", self.dice.randint(1000, 60000))
        clients = [self.start(self.name, "run", *size, self.outside_address, self.port),
                   self.start(self.outside, "run", *size, address, self.port)]
        if self.dice.random() < 0.05:
            self.ledger.add("ADD")
            self.ledger.add("repeated ADD")
            if podtag("ADD", self.netns, self.container, self.conf, self.args).returncode:
                raise Wrong("repeated ADD")
        for client in clients:
            out = client.communicate()[0]
            if client.returncode:
                raise Wrong(f"load: {out}")
        server.kill()
        server.wait()

    def compare(self):
        """All that its interface and its namespace counted since ADD, podtag counted too."""
        end = time.monotonic() + QUIET_SECONDS
        with inside(self.name):
            while not is_quiet():
                if time.monotonic() > end:
                    raise Wrong("its sockets do not come to an end: " + read("/proc/thread-self/net/tcp"))
                time.sleep(0.05)
            link, (_, mine, _) = self.same_moment(link_counters, self.counts)
            truth, (_, _, again) = self.same_moment(retransmit_counters, self.counts)
        grown = tuple(a - b for a, b in zip(link, self.offset))
        if mine != grown:
            raise Wrong(f"traffic (rx packets, bytes, tx packets, bytes): podtag {mine}, interface {grown}")
        self.compare_retransmits(again, *truth)
        self.ledger.add("compared", 2)
        self.ledger.add("segments sent again", truth[0])
        self.ledger.add("packets", grown[0] + grown[2])

    def compare_retransmits(self, mine, segments, syns):
        """The sum is the kernel's. An event that the kernel did not deliver moves its segments to
        the kind "other" (the last), SYNs too; see untold in tests/soak/run for where it may be lost."""
        told, untold = mine[0] + mine[1], segments - sum(mine)
        if untold < 0 or untold and not UNTOLD or not told <= syns <= told + mine[-1] + untold:
            raise Wrong(f"retransmits (syn, synack, rto, fast, tlp, other): podtag {mine}, sum {sum(mine)};"
                        f" RetransSegs {segments}, TCPSynRetrans {syns}")
        self.ledger.add("segments not told", untold)

    def delete(self, conf_chain):
        """DEL through the chain; perhaps twice, perhaps without podtag, whose GC it is then."""
        way = self.dice.choices(("once", "twice", "never"), (90, 7, 3))[0]
        plugins = conf_chain["plugins"]
        if way == "never":
            self.ledger.add("without DEL")
            self.attachment.list = dict(conf_chain, plugins=plugins[:-1])
        else:
            self.ledger.add("DEL")
        self.attachment.delete()
        self.has_chain = False
        if way == "twice":
            self.ledger.add("DEL")
            self.ledger.add("repeated DEL")
            conf = {"cniVersion": "1.0.0", "name": self.chain, "type": "podtag"}
            if podtag("DEL", "", self.container, conf).returncode:
                raise Wrong("repeated DEL")

    def live(self, hold):
        if not self.begin() or not self.is_observed():
            self.delete(CHAINS[self.chain])
            return
        self.baseline()
        self.traffic()
        hold()
        self.compare()
        self.delete(CHAINS[self.chain])

    def final(self):
        """What remains to be scraped, of one that lived."""
        if not self.id:
            return None
        (_, _, _, deleted), traffic, retransmits = self.counts(self.id)
        return {"pod": self.name, "deleted": int(deleted), "traffic": traffic, "retransmits": retransmits}

    def clean(self):
        """However far it came."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()
        if self.has_chain:
            with contextlib.suppress(cni.PluginError):
                self.attachment.delete()
                self.ledger.add("DEL")
        if os.path.exists(self.netns):
            subprocess.run(["ip", "netns", "del", self.name], check=True)
