"""Opens the pages of a mirror in Chromium and presses their buttons.

    check_pages.py MIRROR [--screenshots DIR]

Serves the folder MIRROR from 127.0.0.1 with Python's plain web server, drives a headless Chromium
through WebDriver, and checks what a reader would see: the button of each page turns green; for each
way of changing the bundle it turns red and names the check; titles that hold markup run no script; the
start page finds records; nothing is fetched from elsewhere. Needs `chromium` and `chromedriver` in
PATH, and nothing but Python's own library. Prints one line, or what is wrong first.
"""

import argparse
import base64
import contextlib
import functools
import hashlib
import html.parser
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ORDER = 2**252 + 27742317777372353535851937790883648493
PATIENCE = 30


class Wrong(Exception):
    """Something is not as it should be."""


def must(holds, message):
    if not holds:
        raise Wrong(message)


class Mirror(http.server.SimpleHTTPRequestHandler):
    """A plain web server, but for bundles that a test has put in the place of the files."""

    instead = {}
    asked = []

    def do_GET(self):
        Mirror.asked.append(self.path)
        content = Mirror.instead.get(self.path)
        if content is None:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    handler = functools.partial(Mirror, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


class Browser:
    """A session of Chromium."""

    def __init__(self, driver, profile, scripts=True):
        self.driver = driver
        arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=900,1600",
            f"--user-data-dir={profile}",
        ]
        options = {"args": arguments, "binary": shutil.which("chromium")}
        if not scripts:
            options["prefs"] = {"profile.managed_default_content_settings.javascript": 2}
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "unhandledPromptBehavior": "ignore",
        }
        answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{answer['sessionId']}"

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.driver + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Wrong(f"{method} {path}: {error.read().decode()[:500]}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ask("DELETE", self.session)

    def open(self, url):
        self.ask("POST", self.session + "/url", {"url": url})

    def run(self, script, *arguments):
        body = {"script": script, "args": list(arguments)}
        return self.ask("POST", self.session + "/execute/sync", body)

    def wait(self, script):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.run(script)
            if found:
                return found
            time.sleep(0.02)
        raise Wrong(f"nothing comes of: {script}")

    def find(self, selector):
        body = {"using": "css selector", "value": selector}
        (element,) = self.ask("POST", self.session + "/element", body).values()
        return f"{self.session}/element/{element}"

    def click(self, selector):
        self.ask("POST", self.find(selector) + "/click", {})

    def type(self, selector, text):
        element = self.find(selector)
        self.ask("POST", element + "/clear", {})
        self.ask("POST", element + "/value", {"text": text})

    def chrome(self, command, **parameters):
        body = {"cmd": command, "params": parameters}
        return self.ask("POST", self.session + "/goog/cdp/execute", body)

    def complaints(self):
        log = self.ask("POST", self.session + "/se/log", {"type": "browser"})
        return [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path):
        image = self.ask("GET", self.session + "/screenshot")
        path.write_bytes(base64.b64decode(image))


@contextlib.contextmanager
def chromedriver():
    command = [shutil.which("chromedriver"), "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        port = None
        for line in process.stdout:
            if "started successfully on port" in line:
                port = line.rsplit(" ", 1)[1].strip().rstrip(".")
                break
        must(port, "chromedriver did not start")
        # What it says later is read, so that it never waits for a reader.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def changed(bundle, change):
    """The wire form of a bundle after `change` was done to it."""
    copy = json.loads(bundle)
    change(copy)
    found = compact(copy)
    must(found != bundle, "the change changes nothing")
    return found


def flip(holder, member="signature_b64"):
    """Changes one bit in the middle of bytes in base64."""
    raw = bytearray(base64.b64decode(holder[member]))
    raw[len(raw) // 2 - 1] ^= 1
    holder[member] = base64.b64encode(raw).decode()


def above_the_order(signature):
    """Another form of the same signature, which loose verifiers let pass."""
    raw = base64.b64decode(signature["signature_b64"])
    number = int.from_bytes(raw[32:], "little") + ORDER
    signature["signature_b64"] = base64.b64encode(raw[:32] + number.to_bytes(32, "little")).decode()


def small_order(key):
    """A key of order 8, described as it should be."""
    raw = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
    digest = hashlib.sha256(raw).digest()
    key["public_key_hex"] = raw.hex()
    key["public_key_b64"] = base64.b64encode(raw).decode()
    key["fingerprint_sha256_hex"] = digest.hex()[:32]
    key["fingerprint_sha256_b32_first128bits"] = base64.b32encode(digest).decode()[:26]


def paper_of(bundle):
    return bundle["events"][1]["payload"]["graph_snapshot"]["paper"]


def twice(bundle):
    """A member twice: whoever keeps the last one sees nothing wrong."""
    return b'{"bundle_type":"pith_open_graph_bundle",' + bundle[1:]


def tamperings(bundle, other):
    """Bundles that are not as they were signed, each with the check that has to fail."""

    def of(change):
        return changed(bundle, change)

    def big(found):
        return found.replace(b'"version":1', b'"version":12345678901234567890', 1)

    def stray(copy):
        text = copy["bundle_signature"]["signature_b64"]
        copy["bundle_signature"]["signature_b64"] = text[:-3] + chr(ord(text[-3]) + 1) + "=="

    return {
        "nothing": ("document.shape", b""),
        "a member twice": ("document.shape", twice(bundle)),
        "a big integer": ("document.shape", big(bundle)),
        "white space": ("document.shape", bundle.replace(b":", b": ", 1)),
        "an end of line": ("document.shape", bundle + b"\n"),
        "a byte order mark": ("document.shape", b"\xef\xbb\xbf" + bundle),
        "half a character": ("document.shape", bundle.replace(b'"title":"', b'"title":"\\ud800', 1)),
        "no UTF-8": ("document.shape", bundle.replace(b'"title":"', b'"title":"\xff', 1)),
        "a member that is missing": ("document.shape", of(lambda copy: copy.pop("state"))),
        "another record": ("number.expected", other),
        "licence": ("record.digest", of(lambda copy: copy["canonical_record"]["metadata"].update(license=""))),
        "number": ("record.number", of(lambda copy: copy.update(pith_number="pith:1999:" + "A" * 26))),
        "an alias": ("record.aliases", of(lambda copy: copy["source_aliases"].pop())),
        "title": ("event.content", of(lambda copy: paper_of(copy).update(title="Another title"))),
        "an event's signature": ("event.signature", of(lambda copy: flip(copy["events"][0]["signature"]))),
        "an event left out": ("event.record", of(lambda copy: copy["events"].pop(0))),
        "a key of small order": ("bundle.keys", of(lambda copy: small_order(copy["public_keys"][0]))),
        "a key that is not as described": ("bundle.keys", of(lambda copy: flip(copy["public_keys"][0], "public_key_b64"))),
        "the state": ("state.hash", of(lambda copy: copy["state"].update(event_count=3))),
        "the time": ("bundle.hash", of(lambda copy: copy.update(built_at="2027-01-01T00:00:00Z"))),
        "the bundle's signature": ("bundle.signature", of(lambda copy: flip(copy["bundle_signature"]))),
        "a signature in its other form": ("bundle.signature", of(lambda copy: above_the_order(copy["bundle_signature"]))),
        "stray bits": ("bundle.signature", of(stray)),
    }


def pressed(browser, page):
    browser.open(page)
    browser.click("#verify")
    found = browser.wait(
        "const button = document.getElementById('verify');"
        "return !button.disabled && button.dataset.verdict && {"
        " verdict: button.dataset.verdict, label: button.textContent,"
        " sentence: document.getElementById('verdict').textContent,"
        " colour: getComputedStyle(button).backgroundColor,"
        " checks: [...document.querySelectorAll('#checks li')].map((item) => item.textContent) }"
    )
    return found


def is_green(colour):
    red, green, blue = (int(part) for part in colour.strip("rgba()").split(",")[:3])
    return green > red and green > blue


def is_red(colour):
    red, green, blue = (int(part) for part in colour.strip("rgba()").split(",")[:3])
    return red > green and red > blue


def settled(browser):
    """Colours change softly; this waits for the end of that."""
    browser.wait("return document.getAnimations().every((animation) => animation.playState === 'finished')")


def check_green(browser, base, folder, suffix):
    page = f"{base}/pith/{suffix}/"
    pressed(browser, page)
    settled(browser)
    colour = browser.run("return getComputedStyle(document.getElementById('verify')).backgroundColor")
    found = browser.run(
        "return [document.getElementById('verify').dataset.verdict,"
        " document.getElementById('verdict').textContent,"
        " document.querySelectorAll('#checks li').length]"
    )
    must(found[0] == "sound" and is_green(colour), f"{suffix} is not green: {found} {colour}")
    bundle = json.loads((folder / "pith" / suffix / "bundle.json").read_bytes())
    fingerprint = bundle["bundle_signature"]["public_key_fingerprint"]
    must(fingerprint in found[1], f"{suffix}: it does not say whose key it was: {found[1]}")
    must(found[2] == 7, f"{suffix}: {found[2]} checks are shown")
    shown = browser.run(
        "return { title: document.getElementById('title').textContent,"
        " tab: document.title,"
        " scripts: document.scripts.length,"
        " strange: document.querySelectorAll('main img, main iframe, main object, main svg, main style, [onerror], [onload], [onclick]').length,"
        " ran: window.ran === undefined,"
        " schemes: [...document.querySelectorAll('a')].map((link) => link.protocol),"
        " fetched: performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin) }"
    )
    title = paper_of(bundle)["title"]
    must(shown["title"] == title and shown["tab"].startswith(title), f"{suffix}: shows {shown['title']!r}, not {title!r}")
    must(shown["scripts"] == 1 and shown["strange"] == 0 and shown["ran"], f"{suffix}: markup of metadata came through: {shown}")
    must(set(shown["schemes"]) <= {"http:", "https:"}, f"{suffix}: links to {shown['schemes']}")
    must(set(shown["fetched"]) == {base}, f"{suffix}: fetches from {shown['fetched']}")
    complaints = browser.complaints()
    must(not complaints, f"{suffix}: the browser complains: {complaints}")


def check_red(browser, base, folder, suffix, other):
    path = f"/pith/{suffix}/bundle.json"
    bundle = (folder / path[1:]).read_bytes()
    cases = tamperings(bundle, (folder / "pith" / other / "bundle.json").read_bytes())
    for name, (code, content) in cases.items():
        Mirror.instead = {path: content}
        found = pressed(browser, f"{base}/pith/{suffix}/")
        must(found["verdict"] == "broken", f"{name}: the button says {found}")
        must(any(check.startswith(f"✗ {code}:") for check in found["checks"]), f"{name}: not {code}, but {found['checks']}")
        must(code in found["sentence"], f"{name}: {found['sentence']}")
    settled(browser)
    colour = browser.run("return getComputedStyle(document.getElementById('verify')).backgroundColor")
    must(is_red(colour), f"a broken bundle's button is {colour}")
    return len(cases)


def check_search(browser, base, folder):
    suffixes = records(folder)
    bundle = json.loads((folder / "pith" / suffixes[0] / "bundle.json").read_bytes())
    title, source = paper_of(bundle)["title"], bundle["canonical_record"]["source"]
    queries = [
        suffixes[0],
        suffixes[0][:8].lower(),
        bundle["pith_number"],
        source["id"],
        f"arXiv:{source['id']}v{source['version']}",
        f"https://doi.org/10.48550/arXiv.{source['id']}",
        title,
        title[:12].upper(),
    ]
    for query in queries:
        browser.open(f"{base}/")
        browser.type("#query", query)
        browser.click("#search button")
        browser.wait("return document.getElementById('said').textContent")
        found = browser.run("return [...document.querySelectorAll('#found a')].map((link) => link.getAttribute('href'))")
        said = browser.run("return document.getElementById('said').textContent")
        must(f"pith/{suffixes[0]}/" in found, f"{query!r} does not find {suffixes[0]}: {said} {found}")
    browser.open(f"{base}/")
    browser.type("#query", "zzzz no title begins like this")
    browser.click("#search button")
    said = browser.wait("return document.getElementById('said').textContent")
    must(said == "Nothing here begins like that.", f"of nothing it says: {said}")
    complaints = browser.complaints()
    must(not complaints, f"the start page: the browser complains: {complaints}")
    return len(queries)


class Outline(html.parser.HTMLParser):
    """What a screen reader finds its way by."""

    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def check_without_scripts(browser, base, folder, suffix):
    browser.open(f"{base}/pith/{suffix}/")
    page = (folder / "pith" / suffix / "index.html").read_text()
    outline = Outline()
    outline.feed(page)
    tags = [tag for tag, _ in outline.tags]
    must(("html", {"lang": "en"}) in outline.tags, "the page does not say its language")
    must(tags.count("h1") == 1 and tags.count("main") == 1 and tags.count("title") == 1, "the page has no clear outline")
    policy = [values["content"] for tag, values in outline.tags if values.get("http-equiv") == "Content-Security-Policy"]
    must(len(policy) == 1 and "default-src 'none'" in policy[0] and "unsafe" not in policy[0], f"its policy is {policy}")
    must(not any(name.startswith("on") for _, values in outline.tags for name in values), "a script stands in an attribute")
    image = browser.ask("GET", browser.find("noscript p") + "/displayed")
    button = browser.ask("GET", browser.find("#verify") + "/displayed")
    must(image and not button, "without scripts there is a button that does nothing")
    text = browser.ask("GET", browser.find("main") + "/text")
    for needed in (suffix, "Receipt", "How to cite", "pith verify --expect"):
        must(needed in text, f"without scripts the page lacks {needed!r}")


def check_small_and_dark(browser, base, suffix, screenshots):
    page = f"{base}/pith/{suffix}/"
    Mirror.instead = {}
    browser.chrome("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    browser.chrome("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    found = pressed(browser, page)
    settled(browser)
    must(found["verdict"] == "sound", f"on a phone: {found}")
    width, paper = browser.run("return [document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]")
    must(width <= 360, f"on a phone the page is {width} wide")
    must(max(int(part) for part in paper.strip("rgba()").split(",")[:3]) < 64, f"in the dark the page is {paper}")
    if screenshots:
        browser.screenshot(screenshots / "phone-dark.png")


def check_unable(browser, base, suffix):
    found = None
    Mirror.instead = {}
    browser.open(f"{base}/pith/{suffix}/")
    browser.run("window.fetch = () => Promise.reject(new TypeError('no network'))")
    browser.click("#verify")
    found = browser.wait("const b = document.getElementById('verify'); return !b.disabled && b.dataset.verdict")
    must(found == "unable", f"without a network the button says {found}")


def records(folder):
    return sorted(path.name for path in (folder / "pith").iterdir() if path.is_dir())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mirror", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    arguments = parser.parse_args()
    folder, screenshots = arguments.mirror, arguments.screenshots
    suffixes = records(folder)
    must(len(suffixes) > 1, "the mirror has too few records")
    with tempfile.TemporaryDirectory() as profiles, served(folder) as base, chromedriver() as driver:
        with Browser(driver, f"{profiles}/with") as browser:
            for suffix in suffixes:
                check_green(browser, base, folder, suffix)
            if screenshots:
                screenshots.mkdir(exist_ok=True)
                browser.screenshot(screenshots / "green.png")
            red = check_red(browser, base, folder, suffixes[0], suffixes[1])
            if screenshots:
                browser.screenshot(screenshots / "red.png")
            check_unable(browser, base, suffixes[0])
            queries = check_search(browser, base, folder)
            if screenshots:
                browser.screenshot(screenshots / "start.png")
            check_small_and_dark(browser, base, suffixes[0], screenshots)
        with Browser(driver, f"{profiles}/without", scripts=False) as browser:
            check_without_scripts(browser, base, folder, suffixes[0])
    print(f"{len(suffixes)} pages green, {red} changes red, {queries} queries answered")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        print(f"check_pages: {wrong}", file=sys.stderr)
        sys.exit(1)
