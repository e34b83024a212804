"""Makes the key of a repository of restic quick: as restic writes it, but derived from its password with the least work.

restic chooses that work so that each of its starts takes half a second; tests start it hundreds of times.
See the chapter "Keys, Encryption and MAC" of restic's design document."""

import base64, hashlib, json, os, subprocess, sys

repository, password_file = sys.argv[1:]


def openssl(cipher, key, data, *more):
    command = ["openssl", "enc", "-" + cipher, "-K", key.hex(), *more]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def sealed(key, nonce, data):
    return openssl("aes-256-ctr", key[:32], data, "-iv", nonce.hex())


def mac(key, nonce, data):
    """Poly1305-AES."""
    r = int.from_bytes(key[48:64], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    pad = int.from_bytes(openssl("aes-128-ecb", key[32:48], nonce, "-nopad"), "little")
    sum = 0
    for at in range(0, len(data), 16):
        sum = (sum + int.from_bytes(data[at : at + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((sum + pad) % 2**128).to_bytes(16, "little")


def derived(key):
    password = open(password_file, "rb").read().rstrip(b"\r\n")
    salt = base64.b64decode(key["salt"])
    return hashlib.scrypt(password, salt=salt, n=key["N"], r=key["r"], p=key["p"], maxmem=1 << 30, dklen=64)


[name] = os.listdir(repository + "/keys")
path = f"{repository}/keys/{name}"
key = json.load(open(path))
stored = base64.b64decode(key["data"])
nonce, data, seal = stored[:16], stored[16:-16], stored[-16:]
assert mac(derived(key), nonce, data) == seal, "restic seals its keys otherwise"
master = sealed(derived(key), nonce, data)
key.update(N=2, r=1, p=1)
data = sealed(derived(key), nonce, master)
key["data"] = base64.b64encode(nonce + data + mac(derived(key), nonce, data)).decode()
text = json.dumps(key).encode()
os.remove(path)
with open(f"{repository}/keys/{hashlib.sha256(text).hexdigest()}", "wb") as file:
    file.write(text)
