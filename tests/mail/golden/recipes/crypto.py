"""Signed and encrypted: named, and what can be read is shown."""
from .letters import b64, letter, multi, part, text

SIGNATURE = ("-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCgAdFiEE\n=abcd\n-----END PGP SIGN"
             "ATURE-----\n")
ENCRYPTED = ("-----BEGIN PGP MESSAGE-----\n\nhQEMA1234567890ABAQf+\n=abcd\n-----END PGP ME"
             "SSAGE-----\n")
letter("pgp-signed", multi("signed", part("Signed text.\n", cte="quoted-printable"), part(
    SIGNATURE, 'application/pgp-signature; name="signature.asc"', None, None,
    "Content-Description: OpenPGP digital signature\n"), params='; micalg=pgp-sha256;\n '
    'protocol="application/pgp-signature"'))
letter("pgp-signed-mixed", multi("signed", multi("mixed", part("Signed text.\n"), part(
    b"%PDF", "application/pdf; name=a.pdf", "base64", "attachment; filename=a.pdf"),
    boundary="in"), part(SIGNATURE, "application/pgp-signature"),
    params='; protocol="application/pgp-signature"'))
letter("pgp-encrypted", multi("encrypted", part("Version: 1\n", "application/pgp-encrypted"),
    part(ENCRYPTED, 'application/octet-stream; name="encrypted.asc"', None,
         'inline; filename="encrypted.asc"'), params='; protocol="application/pgp-encrypted"'),
    subject="...")
text("pgp-inline-signed", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSigned inline"
     ".\n- -- dash-escaped\n" + SIGNATURE)
text("pgp-inline-encrypted", ENCRYPTED)
letter("pgp-key", multi("mixed", part("My key.\n"), part(
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n-----END PGP PUBLIC KEY BLOCK-----\n",
    "application/pgp-keys; name=key.asc", None, "attachment; filename=key.asc")),
    extra="Autocrypt: addr=alice@a.com; keydata=mQ==\n")
letter("pgp-protected", multi("signed", multi("mixed", part("Text.\n"), params='; protected-'
    'headers="v1"', boundary="in"), part(SIGNATURE, "application/pgp-signature")))
letter("smime-signed", multi("signed", part("Signed text.\n", "text/plain; charset=us-ascii"),
    part(b"0\x80\x06\x09*\x86H" * 30, 'application/pkcs7-signature; name="smime.p7s"',
         "base64", 'attachment; filename="smime.p7s"', "Content-Description: S/MIME "
         "Cryptographic Signature\n"), params='; protocol="application/pkcs7-signature";'
    ' micalg=sha-256'))
letter("smime-x-signed", multi("signed", part("Signed text.\n"), part(
    b"0\x80" * 30, "application/x-pkcs7-signature; name=smime.p7s", "base64",
    "attachment; filename=smime.p7s")))
letter("smime-encrypted", part(b"0\x80\x06" * 60, 'application/pkcs7-mime; name="smime.p7m";'
    ' smime-type=enveloped-data', "base64", 'attachment; filename="smime.p7m"'))
letter("smime-opaque", part(b"0\x80\x06" * 60, "application/x-pkcs7-mime; smime-type=signed-"
    'data; name="smime.p7m"', "base64", 'attachment; filename="smime.p7m"'))
letter("smime-certs", multi("mixed", part("My certificate.\n"), part(
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "application/x-x509-ca-cert; name=ca.crt", None, "attachment; filename=ca.crt")))
letter("signed-footer-added", multi("mixed", multi("signed", part("Signed.\n"), part(
    SIGNATURE, "application/pgp-signature"), boundary="in"), part("-- \nlist footer\n")))
letter("signed-without-signature", multi("signed", part("Signed?\n")))
letter("encrypted-in-base64", part(b64(ENCRYPTED), "text/plain"), subject="twice")
