"""Files: what is taken, who may use it, and what a workflow gets."""

from io import BytesIO

import httpx
from around import BASE, chunks, client, get, option, post, refused, run

from dify_oapi.api.dify.v1.model.get_info_request import GetInfoRequest
from dify_oapi.api.dify.v1.model.get_meta_request import GetMetaRequest
from dify_oapi.api.dify.v1.model.get_parameters_request import GetParametersRequest
from dify_oapi.api.dify.v1.model.get_site_request import GetSiteRequest
from dify_oapi.api.dify.v1.model.upload_file_body import UploadFileBody
from dify_oapi.api.dify.v1.model.upload_file_request import UploadFileRequest

KEY = "app-everything"
IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


def upload(content, name=None, user="ada", key=KEY):
    asked = UploadFileRequest.builder().file(BytesIO(content), name)
    asked = asked.request_body(UploadFileBody.builder().user(user).build()).build()
    return client.workflow.v1.file.upload(asked, option(key))


def preview(file, key=KEY, **queries):
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{BASE}/v1/files/{file}/preview", headers=headers, params=queries)


image = upload(IMAGE, "picture.PNG")
assert image.success and image.raw.status_code == 201, image
assert (image.name, image.size, image.extension, image.mime_type) == ("picture.PNG", len(IMAGE), "png", "image/png")
assert isinstance(image.created_at, int), image
status, who = get(KEY, f"/v1/end-users/{image.created_by}")
assert (status, who["session_id"]) == (200, "ada"), who
assert get(KEY, "/v1/end-users/user-Ym9i")[0] == 404
nameless = upload(b"\0\1\2")
assert (nameless.name, nameless.mime_type, nameless.extension) == ("upload", "application/octet-stream", ""), nameless
path = upload(b"x", "../../etc/passwd.txt")
assert path.name == "passwd.txt", path

# The bytes come back as they were, to the holder of the key alone, and never as a page.
there = preview(image.id)
assert there.status_code == 200 and there.content == IMAGE, there
assert there.headers["content-type"] == "image/png" and there.headers["content-disposition"].startswith("inline")
assert preview(image.id, as_attachment="true").headers["content-disposition"].startswith("attachment")
page = preview(upload(b"<script>alert(1)</script>", "page.html").id)
assert page.headers["content-disposition"].startswith("attachment"), page.headers
assert (page.headers["x-content-type-options"], "sandbox" in page.headers["content-security-policy"]) == ("nosniff", True)
assert preview(image.id, key="app-greet").status_code == 404
for wrong in ["..%2F..%2Fruns.sqlite", "0192f6f0-aaaa-7000-8000-000000000000", "x"]:
    assert preview(wrong).status_code == 404, wrong

# What is too large, of another type, or nothing at all.
refused(upload(b"x" * (10 << 20) + b"x", "large.png"), "file_too_large", 413)
assert upload(b"x" * (10 << 20), "fits.png").success
refused(upload(b"MZ", "program.exe"), "unsupported_file_type", 415)
status, said = post(KEY, "/v1/files/upload", {"user": "ada"})
assert (status, said["code"]) == (400, "no_file_uploaded"), said
headers = {"Authorization": f"Bearer {KEY}"}
twice = httpx.post(f"{BASE}/v1/files/upload", headers=headers, data={"user": "ada"},
                   files=[("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))])
assert (twice.status_code, twice.json()["code"]) == (400, "too_many_files"), twice.text
alone = httpx.post(f"{BASE}/v1/files/upload", headers=headers, files={"file": ("a.txt", b"a")})
assert (alone.status_code, alone.json()["message"]) == (400, "Arg user must be provided."), alone.text
refused(upload(b"x", "a.txt", key="app-unknown"), "unauthorized", 401)


def local(file, kind="image"):
    return {"type": kind, "transfer_method": "local_file", "upload_file_id": file}


# A workflow gets what is known of a file, and where it is.
done = run(KEY, {"picture": local(image.id), "more": [local(nameless.id, "custom")]}, user="ada")
assert done.data.status == "succeeded", done
picture = done.data.outputs["picture"]
assert (picture["type"], picture["name"], picture["size"]) == ("image", "picture.PNG", len(IMAGE)), picture
assert (picture["mime_type"], picture["id"]) == ("image/png", image.id), picture
assert httpx.get(picture["url"], headers=headers).content == IMAGE
assert done.data.outputs["more"][0]["name"] == "upload", done
remote = {"type": "image", "transfer_method": "remote_url", "url": "https://example.com/a/b.png?x=1"}
got = run(KEY, {"picture": remote}, user="ada").data.outputs["picture"]
assert (got["url"], got["name"], got["mime_type"]) == (remote["url"], "b.png", "image/png"), got
# Files beside the inputs, too.
status, said = post(KEY, "/v1/workflows/run", {"inputs": {}, "user": "ada", "files": [local(image.id)]})
assert said["data"]["status"] == "succeeded" and "picture.PNG" in str(said["data"]["outputs"]["context"]), said

# Those of others, of other types, or of none are refused.
for wrong in [
    {"picture": local(nameless.id)},
    {"picture": "uploaded-file-id"},
    {"picture": 7},
    {"picture": local("0192f6f0-aaaa-7000-8000-000000000000")},
    {"picture": {"type": "image", "transfer_method": "by_mail"}},
    {"picture": {"type": "image", "transfer_method": "remote_url", "url": "file:///etc/passwd"}},
    {"more": [local(nameless.id)] * 3},
]:
    refused(run(KEY, wrong, user="ada"), "invalid_param", 400)
assert "Invalid upload file" in refused(run(KEY, {"picture": local(image.id)}, user="bob"), "invalid_param", 400)

# What clients ask about the workflow.
info = client.workflow.v1.info.get(GetInfoRequest.builder().build(), option("app-greet"))
assert (info.name, info.description, info.tags) == ("Greeter", "Says what you said", []), info
told = client.workflow.v1.info.parameters(GetParametersRequest.builder().build(), option(KEY))
controls = {name: about for control in told.user_input_form for name, about in control.items()}
assert controls["file"]["variable"] == "picture" and controls["file"]["allowed_file_types"] == ["image"], controls
assert controls["file-list"]["max_length"] == 2 and controls["select"]["options"] == ["S", "L"], controls
assert told.system_parameters["image_file_size_limit"] == 10 and told.file_upload["enabled"], told
assert told.system_parameters["workflow_file_upload_limit"] == 10 and told.text_to_speech == {"enabled": False}
site = client.workflow.v1.info.site(GetSiteRequest.builder().build(), option("app-greet"))
assert (site.title, site.default_language) == ("Greeter", "en-US"), site
assert client.workflow.v1.info.meta(GetMetaRequest.builder().build(), option("app-greet")).tool_icons is not None
assert b"[ERROR]" in b"".join(chunks(KEY, {"picture": 7}))
print("done")
