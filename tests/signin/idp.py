"""A small OpenID provider of the tests' own, in a process of its own: `python -m tests.signin.idp PORT`.

It signs everybody in at once. What it says next is set by `POST /say` with JSON: claims that replace its own, and
`fault`, one of the ways in which a provider can be wrong.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "holdfast", "a-secret-of-the-tests"
KEY, FOREIGN_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
state = {"claims": {}, "fault": "", "codes": {}, "asked": {}}


def published():
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    return {"keys": [{**key, "kid": "one", "use": "sig", "alg": "RS256"}]}


def id_token(issuer, asked):
    now = int(time.time())
    claims = {
        "iss": issuer, "aud": CLIENT, "sub": "person-1", "iat": now, "exp": now + 300, "nonce": asked.get("nonce"),
        "auth_time": now,
        "email": "nia@company.example", "email_verified": True, "name": "Nia New", "groups": [], **state["claims"],
    }  # fmt: skip
    fault = state["fault"]
    if fault == "nonce":
        claims["nonce"] = "of-another-sign-in"
    if fault == "no nonce":
        del claims["nonce"]
    if fault == "expired":
        claims["exp"] = now - 3600
    if fault == "audience":
        claims["aud"] = "another-application"
    if fault == "issuer":
        claims["iss"] = "https://evil.example"
    if fault == "azp":
        claims |= {"aud": [CLIENT, "other"], "azp": "other"}
    if fault == "none":
        return jwt.encode(claims, key=None, algorithm="none")
    if fault == "hmac":
        public = json.dumps(published()["keys"][0]).ljust(64)
        return jwt.encode(claims, key=public, algorithm="HS256", headers={"kid": "one"})
    key = FOREIGN_KEY if fault == "signature" else KEY
    return jwt.encode(claims, key=key, algorithm="RS256", headers={"kid": "two" if fault == "kid" else "one"})


class Provider(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        issuer = f"http://127.0.0.1:{self.server.server_port}"
        if url.path == "/.well-known/openid-configuration":
            self.say({
                "issuer": "https://evil.example" if state["fault"] == "other issuer" else issuer,
                "authorization_endpoint": f"{issuer}/authorize", "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys", "userinfo_endpoint": f"{issuer}/userinfo",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            })  # fmt: skip
        elif url.path == "/keys":
            self.say(published())
        elif url.path == "/asked":
            self.say(state["asked"])
        elif url.path == "/authorize":
            self.authorize({name: values[0] for name, values in parse_qs(url.query).items()})
        else:
            self.send_error(404)

    def authorize(self, asked):
        code = secrets.token_urlsafe(8)
        state["codes"][code] = state["asked"] = asked
        answer = {"error": "access_denied"} if state["fault"] == "cancelled" else {"code": code}
        self.send_response(302)
        self.send_header(
            "Location", f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked['state']})}"
        )
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/say":
            said = json.loads(body)
            state["claims"], state["fault"] = said.get("claims", {}), said.get("fault", "")
            return self.say({})
        form = {name: values[0] for name, values in parse_qs(body).items()}
        asked = state["codes"].pop(form.get("code"), None)
        if asked is None or (form["client_id"], form["client_secret"]) != (CLIENT, SECRET):
            return self.send_error(400)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return self.send_error(400)
        issuer = f"http://127.0.0.1:{self.server.server_port}"
        answer = {"access_token": "x", "token_type": "Bearer", "expires_in": 60}
        if state["fault"] != "no token":
            answer["id_token"] = id_token(issuer, asked)
        return self.say(answer)

    def say(self, what):
        text = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Provider)
    print("ready", server.server_port, flush=True)
    server.serve_forever()
