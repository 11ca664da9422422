"""A Fairlead of its own for a test, and senders as devices are: TLS with a certificate, TCP, UDP."""
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
WAIT_S = 20


def program(name):
    """build/NAME, or where FAIRLEAD_BUILD says (a build folder of meson or one with the two programs)."""
    folder = pathlib.Path(os.environ.get("FAIRLEAD_BUILD", TOP / "build"))
    inner = folder / "src" / ("cli" if name == "fairlead" else name) / name
    return inner if inner.exists() else folder / name


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def until(ask, what, seconds=WAIT_S):
    """Ask again and again until the answer is true; returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Server:
    """fairleadd on a data folder and ports of its own."""

    def __init__(self, listeners=(), settings=""):
        # a short path: a socket's name has 107 bytes
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="fl"))
        self.home.chmod(0o755)
        self.port = free_port()
        self.ports = {}
        self.web_port = free_port()
        text = f"data_dir = {self.home}/data\nlisten_tls = 127.0.0.1:{self.port}\n{settings}\n"
        if "web_listen" not in settings:
            text += f"web_listen = 127.0.0.1:{self.web_port}\n"
        for name, kind, tenant in listeners:
            self.ports[name] = free_port(socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
            text += f"[listener {name}]\nkind = {kind}\naddress = 127.0.0.1:{self.ports[name]}\ntenant = {tenant}\n"
        self.conf = self.home / "fairlead.conf"
        self.conf.write_text(text, encoding="utf-8")
        self.log = self.home / "log"
        self.process = None
        self.start()

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([program("fairleadd"), "-c", self.conf], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        until(self.is_up, "the server is up:\n" + self.log_text())

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError("the server ended:\n" + self.log_text())
        done = self.run("status", "--json")
        if done.returncode != 0:
            return False
        status = json.loads(done.stdout)
        return all(role["up"] for role in status["roles"]) and "problem" not in status["store"]

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def run(self, *words, timeout=30, **more):
        env = dict(os.environ, FAIRLEAD_SERVER=str(self.home / "data" / "run" / "fairlead.sock"))
        return subprocess.run([program("fairlead"), *map(str, words)], env=env, capture_output=True, text=True,
                              timeout=timeout, check=False, **more)

    def must(self, *words, **more):
        done = self.run(*words, **more)
        assert done.returncode == 0, f"fairlead {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def ask(self, *words):
        return json.loads(self.must(*words, "--json"))

    def ask_lines(self, *words):
        return [json.loads(line) for line in self.must(*words, "--json").splitlines()]

    def roles(self):
        return {role["role"]: role for role in self.ask("status")["roles"]}

    def live(self, device):
        return self.ask("device", "show", device)["live"]

    def count(self, *words):
        return self.ask("logs", "count", *words, "--last", "2h")["rows"]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode

    def remove(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    def tenant(self, slug):
        self.must("tenant", "add", slug, "--demo")
        self.must("site", "add", f"{slug}/berlin", "--name", "Berlin")

    def device(self, name, *options, cert=True):
        """A device with a certificate from the server; returns the folder of its files."""
        self.must("device", "add", name, "--site", "berlin", *options)
        folder = self.home / name.replace("/", "-")
        if cert:
            self.must("device", "cert", "issue", name, "--out", folder)
        return folder


def context(folder=None, ca=None, maximum=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    if maximum is not None:
        ctx.maximum_version = maximum
    ctx.load_verify_locations(ca if ca is not None else folder / "ca.pem")
    if folder is not None:
        ctx.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return ctx


def connect(server, ctx, port=None):
    """A connection that the server has admitted: a new certificate takes a moment to be known."""
    end = time.monotonic() + WAIT_S
    while True:
        try:
            return connect_once(server, ctx, port)
        except OSError:  # ssl.SSLError is one
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def connect_once(server, ctx, port=None):
    """Raises ssl.SSLError or ConnectionError when refused, which TLS 1.3 tells after the handshake."""
    raw = socket.create_connection(("127.0.0.1", port or server.port), timeout=10)
    try:
        sock = ctx.wrap_socket(raw)
    except OSError:
        raw.close()
        raise
    sock.settimeout(0.3)
    try:
        if sock.recv(1) == b"":
            raise ConnectionResetError("closed by the server")
    except (TimeoutError, ssl.SSLWantReadError):
        sock.settimeout(30)
        return sock
    except OSError:
        sock.close()
        raise
    raise AssertionError("the server sent something")


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)


def own_certificate(folder, name, days=30):
    """A self-signed certificate made elsewhere."""
    folder.mkdir()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", days, "-subj",
            f"/CN={name}", "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    return folder


def session(number, host="fw1", time_text=None, tag="RT_FLOW_SESSION_CREATE"):
    """A Junos structured line that carries its number."""
    return (f'<14>1 {time_text or now_text()} {host} RT_FLOW - {tag} [junos@2636.1.1.1.2.129 source-address="10.0.0.1" '
            f'source-port="{number % 60000}" destination-address="192.0.2.1" destination-port="443" '
            f'service-name="junos-https" protocol-id="6" policy-name="p{number % 7}" '
            f'session-id-32="{number}"]').encode()


def now_text():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def sessions(first, count, host="fw1"):
    text = now_text()
    return [session(number, host, text) for number in range(first, first + count)]


def octets(lines):
    return b"".join(b"%d %s" % (len(line), line) for line in lines)


def newlines(lines):
    return b"".join(line + b"\n" for line in lines)


def exported(server, tenant, *words):
    """Session numbers of all rows of the last two hours, oldest first."""
    text = server.must("logs", "export", *words, "--tenant", tenant, "--last", "2h", "--format", "csv", "--columns",
                       "session", timeout=60)
    return [int(line) for line in text.replace("\r", "").split("\n")[1:] if line]
