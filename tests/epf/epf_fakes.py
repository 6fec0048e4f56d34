"""A world for EPF in one server: management's job API, the forge's repository, LFS and token endpoints, a registry.

State is in memory and open to the tests; `fail` makes the next answers errors, `requests` records what was asked.
"""

import base64
import hashlib
import io
import json
import re
import tarfile
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c" * 40
ID_TOKEN, JOB_TOKEN = "id-token-secret-0001", "glcbt-job-token-secret-0002"


def blob_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def pointer(content):
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (
        sha256(content).encode(),
        len(content),
    )


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class World:
    """The servers' state, and the address where they answer."""

    def __init__(self):
        self.files, self.modes, self.lfs, self.manifests, self.spec = {}, {}, {}, {}, {}
        self.points, self.params, self.samples, self.outputs, self.result = [], {}, [], {}, None
        self.layers, self.referrers, self.verdict = {}, True, {}
        self.bundles, self.bundles_received, self.bundles_sent = False, 0, 0
        self.blobs, self.images, self.mountable, self.archives_resolve_lfs = {}, {}, True, False
        self.requests, self.fail, self.batches = [], {}, []
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.host = self.url.partition("//")[2]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def asked(self, part):
        return [line for line in self.requests if part in line]

    def metric(self, key):
        return [(p["step"], p["value"]) for p in self.points if p["key"] == key]

    def add_lfs(self, path, content):
        self.files[path] = pointer(content)
        self.lfs[sha256(content)] = content


def _handler(world):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *args):
            pass

        def answer(self, status, body=b"", **headers):
            if not isinstance(body, bytes):
                body, headers = json.dumps(body).encode(), dict(headers, Content_Type="application/json")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def handle_any(self):
            parts = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(parts.query))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            world.requests.append(f"{self.command} {parts.path}")
            for pattern, statuses in world.fail.items():
                if statuses and re.search(pattern, f"{self.command} {parts.path}"):
                    return self.answer(statuses.pop(0), {"message": "made to fail"})
            for pattern, method in ROUTES:
                match = re.fullmatch(pattern, f"{self.command} {urllib.parse.unquote(parts.path)}")
                if match:
                    with world.lock:
                        return method(self, *match.groups(), query=query, body=body)
            return self.answer(404, {"message": "404 Not Found"})

        do_GET = do_PUT = do_POST = do_HEAD = handle_any  # noqa: N815 - the base class names them

    return Handler


def _job(handler):
    if handler.headers.get("Authorization") != "Bearer " + ID_TOKEN:
        handler.answer(401, {"error": {"message": "who are you?"}})
        return False
    return True


def world_of(handler):
    return handler.server.RequestHandlerClass.do_GET.__closure__[0].cell_contents


def get_spec(h, query, body):
    if _job(h):
        h.answer(200, world_of(h).spec)


def get_layers(h, key, query, body):
    if _job(h):
        h.answer(200, {"layers": world_of(h).layers.get(key, [])})


def get_manifest(h, digest, query, body):
    found = world_of(h).manifests.get(digest)
    if _job(h):
        h.answer(200, found) if found else h.answer(404, {"error": {"message": "no such manifest"}})


def post_stream(h, stream, query, body):
    world, data = world_of(h), json.loads(body)
    if not _job(h):
        return
    world.batches.append((stream, data["sequence"]))
    world.points.extend(data.get("points", ()))
    world.samples.extend(data.get("samples", ()))
    world.params.update(data.get("params", ()))
    h.answer(202, {})


def put_output(h, name, query, body):
    if _job(h):
        world_of(h).outputs[name] = json.loads(body)
        assert canonical(json.loads(body)) == body
        h.answer(200, {"digest": sha256(body)})


def put_result(h, query, body):
    if _job(h):
        world_of(h).result = json.loads(body)
        h.answer(200, world_of(h).verdict)


def list_tree(h, project, query, body):
    world, path = world_of(h), query.get("path", "")
    if h.headers.get("JOB-TOKEN") != JOB_TOKEN:
        return h.answer(401, {"message": "401 Unauthorized"})
    below = {p: c for p, c in world.files.items() if not path or p.startswith(path + "/")}
    if not below or query["ref"] != COMMIT:
        return h.answer(404, {"message": "404 Tree Not Found"})
    if query["recursive"] == "false":
        start = len(path) + 1 if path else 0
        below = {p: c for p, c in below.items() if "/" not in p[start:]}
    rows = [
        {
            "id": blob_id(c),
            "name": p.rpartition("/")[2],
            "type": "blob",
            "path": p,
            "mode": world.modes.get(p, "100644"),
        }
        for p, c in sorted(below.items())
    ]
    start, size = int(query.get("page_token", 0)), int(query["per_page"])
    headers = {}
    if start + size < len(rows):
        following = urllib.parse.urlencode(dict(query, page_token=start + size))
        headers["Link"] = f'<{world.url}/api/v4/projects/{project}/repository/tree?{following}>; rel="next"'
    return h.answer(200, rows[start : start + size], **headers)


def get_blob(h, oid, query, body):
    for content in world_of(h).files.values():
        if blob_id(content) == oid:
            return h.answer(200, content)
    return h.answer(404, {"message": "404 Blob Not Found"})


def get_archive(h, query, body):
    world, buffer = world_of(h), io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, stored in world.files.items():
            found = re.search(rb"oid sha256:(\w+)", stored) if world.archives_resolve_lfs else None
            content = world.lfs[found.group(1).decode()] if found else stored
            if path.startswith(query.get("path", "")):
                member = tarfile.TarInfo(f"project-{COMMIT}/{path}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    h.answer(200, buffer.getvalue())


def lfs_batch(h, query, body):
    world, data = world_of(h), json.loads(body)
    expected = "Basic " + base64.b64encode(("gitlab-ci-token:" + JOB_TOKEN).encode()).decode()
    if h.headers.get("Authorization") != expected:
        return h.answer(401, {"message": "Credentials needed"})
    rows = []
    for item in data["objects"]:
        row, held = dict(item), item["oid"] in world.lfs
        action = {"href": "{}/lfs/{}".format(world.url, item["oid"]), "header": {"Authorization": expected}}
        if data["operation"] == "download" and not held:
            row["error"] = {"code": 404, "message": "Object does not exist"}
        elif data["operation"] == "download" or not held:
            row["actions"] = {data["operation"]: action}
        rows.append(row)
    if world.bundles and "mlreef-bundle" in data["transfers"]:
        bundle = {"href": world.url + ("/lfs-bundle" if data["operation"] == "upload" else "/lfs-bundle/read")}
        return h.answer(200, {"transfer": "mlreef-bundle", "bundle": bundle, "objects": rows})
    return h.answer(200, {"transfer": "basic", "objects": rows})


def lfs_bundle_read(h, query, body):
    world = world_of(h)
    world.bundles_sent += 1
    contents = [(oid, world.lfs[oid]) for oid in body.decode().split()]
    return h.answer(200, b"".join(b"%s %d\n%s" % (oid.encode(), len(c), c) for oid, c in contents))


def lfs_bundle(h, query, body):
    while body:
        head, _, rest = body.partition(b"\n")
        oid, size = head.decode().split(" ")
        content, body = rest[: int(size)], rest[int(size) :]
        if sha256(content) != oid:
            return h.answer(400, {"message": "SHA-256 mismatch"})
        world_of(h).lfs[oid] = content
    world_of(h).bundles_received += 1
    return h.answer(200)


def lfs_get(h, oid, query, body):
    h.answer(200, world_of(h).lfs[oid])


def lfs_put(h, oid, query, body):
    if sha256(body) != oid:
        return h.answer(400, {"message": "SHA-256 mismatch"})
    world_of(h).lfs[oid] = body
    return h.answer(200)


def get_token(h, query, body):
    given = base64.b64decode((h.headers.get("Authorization") or "Basic Og==")[6:]).decode()
    if given not in ("gitlab-ci-token:" + JOB_TOKEN, "root:secret"):
        return h.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "bad credentials"}]})
    return h.answer(200, {"token": "registry-token"})


def _granted(h):
    if h.headers.get("Authorization") == "Bearer registry-token":
        return True
    realm = f'Bearer realm="{world_of(h).url}/jwt/auth",service="container_registry"'
    h.answer(401, {"errors": [{"code": "UNAUTHORIZED"}]}, WWW_Authenticate=realm)
    return False


def registry_blob(h, repository, digest, query, body):
    if _granted(h):
        content = world_of(h).blobs.get((repository, digest))
        h.answer(404, {"errors": [{"code": "BLOB_UNKNOWN"}]}) if content is None else h.answer(200, content)


def registry_start(h, repository, query, body):
    world = world_of(h)
    if _granted(h):
        source = (query.get("from"), query.get("mount"))
        if "mount" in query and world.mountable and source in world.blobs:
            world.blobs[(repository, query["mount"])] = world.blobs[source]
            return h.answer(201, Docker_Content_Digest=query["mount"])
        return h.answer(202, Location=f"/v2/{repository}/blobs/uploads/u1?state=x")
    return None


def registry_finish(h, repository, query, body):
    if _granted(h):
        assert query["digest"] == "sha256:" + sha256(body), "digest mismatch"
        world_of(h).blobs[(repository, query["digest"])] = body
        h.answer(201, Docker_Content_Digest=query["digest"])


def registry_put_manifest(h, repository, reference, query, body):
    if _granted(h):
        digest = "sha256:" + sha256(body)
        world = world_of(h)
        world.images[(repository, reference)] = world.images[(repository, digest)] = body
        subject = json.loads(body).get("subject")
        more = {"OCI_Subject": subject["digest"]} if subject and world.referrers else {}
        h.answer(201, Docker_Content_Digest=digest, **more)


def registry_get_manifest(h, repository, reference, query, body):
    if _granted(h):
        found = world_of(h).images.get((repository, reference))
        if found is None:
            return h.answer(404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]})
        digest, media = "sha256:" + sha256(found), json.loads(found)["mediaType"]
        return h.answer(200, found, Content_Type=media, Docker_Content_Digest=digest)
    return None


def registry_tags(h, repository, query, body):
    if _granted(h):
        tags = [r for name, r in world_of(h).images if name == repository and not r.startswith("sha256:")]
        h.answer(200, {"name": repository, "tags": tags}) if tags else h.answer(
            404, {"errors": [{"code": "NAME_UNKNOWN"}]}
        )


_PROJECT = r"/api/v4/projects/(?:\d+)/repository"
ROUTES = [
    (r"GET /api/v1/jobs/current", get_spec),
    (r"GET /api/v1/jobs/current/manifests/(\w+)", get_manifest),
    (r"GET /api/v1/jobs/current/layers/(\w+)", get_layers),
    (r"POST /api/v1/jobs/current/(metrics|params|resources)", post_stream),
    (r"PUT /api/v1/jobs/current/outputs/(\w+)", put_output),
    (r"PUT /api/v1/jobs/current/result", put_result),
    (r"GET /api/v4/projects/(\d+)/repository/tree", list_tree),
    (r"GET " + _PROJECT + r"/blobs/(\w+)/raw", get_blob),
    (r"GET " + _PROJECT + r"/archive.tar", get_archive),
    (r"POST /g/p.git/info/lfs/objects/batch", lfs_batch),
    (r"GET /lfs/(\w+)", lfs_get),
    (r"PUT /lfs/(\w+)", lfs_put),
    (r"POST /lfs-bundle", lfs_bundle),
    (r"POST /lfs-bundle/read", lfs_bundle_read),
    (r"GET /jwt/auth", get_token),
    (r"(?:GET|HEAD) /v2/(.+)/blobs/(sha256:\w+)", registry_blob),
    (r"GET /v2/(.+)/tags/list", registry_tags),
    (r"POST /v2/(.+)/blobs/uploads/", registry_start),
    (r"PUT /v2/(.+)/blobs/uploads/u1", registry_finish),
    (r"PUT /v2/(.+)/manifests/(.+)", registry_put_manifest),
    (r"(?:GET|HEAD) /v2/(.+)/manifests/(.+)", registry_get_manifest),
]
