//! Keys thrown away and signatures that the real tools made with them, once.

/// What all of them sign.
pub(crate) const MESSAGE: &str = "hello from kit\n";

/// `ssh-keygen -t ed25519`.
pub(crate) const SSH_ED25519: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDssq9m6+DkOtphFboDXl+bScglg4z61B82dyYyLCF59AAAAIhpXrUMaV61
DAAAAAtzc2gtZWQyNTUxOQAAACDssq9m6+DkOtphFboDXl+bScglg4z61B82dyYyLCF59A
AAAEA+DDrLVZRlhy4tMS3UP54h5RGANVuV0XlIJImEgqW6Suyyr2br4OQ62mEVugNeX5tJ
yCWDjPrUHzZ3JjIsIXn0AAAAAAECAwQF
-----END OPENSSH PRIVATE KEY-----
";

/// Its public half.
pub(crate) const SSH_ED25519_PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOyyr2br4OQ62mEVugNeX5tJyCWDjPrUHzZ3JjIsIXn0 \n";

/// What `ssh-keygen -l` says of it.
pub(crate) const SSH_ED25519_ID: &str = "SHA256:68B5pOh7tpr36//Xda0pRsJW3v/dgOCsbAv9my3FgpE";

/// `ssh-keygen -Y sign -n file`.
pub(crate) const SSH_ED25519_SIGNATURE: &str = "\
-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg7LKvZuvg5DraYRW6A15fm0nIJY
OM+tQfNncmMiwhefQAAAAEZmlsZQAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUx
OQAAAEAtLQTIFeqmlJ/SmCnhHaiycfMDp3/kytc41/IG9o9X/9WKRtLkvS380JVnNWI309
0YeixoSUNd7bee3Kh+OgoP
-----END SSH SIGNATURE-----
";

/// `ssh-keygen -Y sign -n git`.
pub(crate) const SSH_OTHER_NAMESPACE: &str = "\
-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg7LKvZuvg5DraYRW6A15fm0nIJY
OM+tQfNncmMiwhefQAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5
AAAAQMm3ngevaeyH2Qb/XDAQNqeb8r4pVtTmglndbRP/riNK7ilPVNtlBpoy8ieJTu/ozD
4wcIucMuBxZUtMwnC2FQk=
-----END SSH SIGNATURE-----
";

/// `ssh-keygen -t ed25519 -N 'correct horse' -a 2`.
pub(crate) const SSH_ENCRYPTED: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBtKBSu6S
cmcpmcPJR79XuNAAAAAgAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIAFXYu8Pk7/x+2AT
zLj6GX0EfQ05WRk7VV1+58GEn9dsAAAAkCBgk+SvuG+rfyZ90FKk90U7GA9eqFbr6FPq6v
YtUq/Lm8kS+zrCc1i2k+RcVfQANBfBa2pF8RssHrw03yLFa8P70/uwMoiY/N8gIKd2N5C4
uhCS9tBAwLZBmoNxYXGzH9lOmaHsKxQ61FXvwKHOaTYJJxBZwPpOrduIyCRNKUBWtpOrDi
gpHLsKOUG5H2Lajg==
-----END OPENSSH PRIVATE KEY-----
";

/// Its public half.
pub(crate) const SSH_ENCRYPTED_PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAFXYu8Pk7/x+2ATzLj6GX0EfQ05WRk7VV1+58GEn9ds alice\n";

/// `ssh-keygen -t ecdsa -b 256`.
pub(crate) const SSH_P256: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS
1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQTQi7Y9GJlc+7Qs+9KZjS9cWjephvFy
dQ/D19qMyEJ78Zd6OHqXWEafauLXV46vplxLNximSFb/AgDdHuqEzDGUAAAAoPfUnN331J
zdAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNCLtj0YmVz7tCz7
0pmNL1xaN6mG8XJ1D8PX2ozIQnvxl3o4epdYRp9q4tdXjq+mXEs3GKZIVv8CAN0e6oTMMZ
QAAAAgYQBR1iVlVIKeX95xNe06E0AqsaNRPQZQ04D+rEAU70MAAAADYm9iAQIDBAU=
-----END OPENSSH PRIVATE KEY-----
";

/// Its public half.
pub(crate) const SSH_P256_PUBLIC: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNCLtj0YmVz7tCz70pmNL1xaN6mG8XJ1D8PX2ozIQnvxl3o4epdYRp9q4tdXjq+mXEs3GKZIVv8CAN0e6oTMMZQ= bob\n";

/// What `ssh-keygen -l` says of it.
pub(crate) const SSH_P256_ID: &str = "SHA256:AYPu3CffdQdLNk6KhSU6YzZH1IwKvFUnBXDvfpBjjes";

/// `ssh-keygen -Y sign -n file`.
pub(crate) const SSH_P256_SIGNATURE: &str = "\
-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAE
EE0Iu2PRiZXPu0LPvSmY0vXFo3qYbxcnUPw9fajMhCe/GXejh6l1hGn2ri11eOr6ZcSzcY
pkhW/wIA3R7qhMwxlAAAAARmaWxlAAAAAAAAAAZzaGE1MTIAAABjAAAAE2VjZHNhLXNoYT
ItbmlzdHAyNTYAAABIAAAAIDEK7lksbHqy7xBgWUrV5v9RNzmPB4FoQo3Y3icyRQPlAAAA
ICz/wXRZ27cqVzfc2WKAzQzLCyJ3kWok32gPwrCS6e1T
-----END SSH SIGNATURE-----
";

/// `ssh-keygen -t rsa`.
pub(crate) const SSH_RSA_PUBLIC: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC+/zspngI6wEcrNTA6Dxah2PaMeXKMcWuvXTp6HuMRx2oRb7R0J3F4X2xmGvpBRB380BCwZXQ9BqE9VOfFDp2yqzdeyT7DAL+wIW7ki76FPK0buXlRdgYWxYEDM3VhaHVQYw5/0Qp18qKVX6O9c0Q+cET9W/KzHHmZVZoXBO2zkwHguUtS+pUCh6HmgtVF3ao9pyXAs+tZpRN1v92RwWofemlrLhM6JrmiNHA9BA/XUTcUeessLqPc/wnOb8cGjffAdHJR22Gdw5OEob2iALpxtPMI1kclmyKfCuohVT1cORRS5sArGb8+1evATmjNUssTk7iDiiI4WBsbmth6OUw/ \n";

/// `minisign -G -W`.
pub(crate) const MINISIGN: &str = "\
untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAMQfNfm8fus1NEygbN33vXMOJVWpakWv3tfrclbG1rdrHCjnmzfxY+/ooZruRlVYzGjDX+jkmHPPNCq4zX+UB+h0d4KndLzGoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
";

/// Its public half.
pub(crate) const MINISIGN_PUBLIC: &str = "\
untrusted comment: minisign public key CDBA1F6F7ECD0731
RWQxB81+bx+6zfooZruRlVYzGjDX+jkmHPPNCq4zX+UB+h0d4KndLzGo
";

/// `minisign -S -t file:x`.
pub(crate) const MINISIGN_SIGNATURE: &str = "\
untrusted comment: made by minisign
RUQxB81+bx+6zbXb+e06CxjLR9QnXL6+z2tJmyQhNoL1qqS3NcSDzvw4LO32rV6bIxYl2sc/GxhsWtqPex4zYORuQObbxfGpggA=
trusted comment: file:x
RMp31ZmV4Ur4ha0a7ufJeyTDs0r/gS7c/2cj/rgWEG+qC3X1949HqkwviHnRkxisT1BX6jfVCpkVCl38ojmMCg==
";

/// `minisign -S -l -t file:x`.
pub(crate) const MINISIGN_OLD_SIGNATURE: &str = "\
untrusted comment: made by minisign, legacy
RWQxB81+bx+6zbWbQIOjDV2fUhDkJOxn4+orS9nOJNLVB7xW+wa4S5vlgaSmTBLKfe+nYEqOXrK5OxMolKImA7Uhys6CNrGvygE=
trusted comment: file:x
UJWmSgVNZYAQjqJufuZn2wNKeT2mtpzTgmwFaKPglM6BiocNZKrwL9VBuLutrAxV0ljslaBOaYsvFrJqd3TWAQ==
";

/// `minisign -G` with `correct horse`, where memory was short so that it takes less of it.
pub(crate) const MINISIGN_ENCRYPTED: &str = "\
untrusted comment: minisign encrypted secret key
RWRTY0Iykfv4CxpqrreTvqpSKlEzX/C7AHLYDJymZqsZn5LuJ/sAACAAAAAAAAAAAAQAAAAACV9/hN4S8FMPM2yM4Trtjg1V9crpuSL2OO9JxgLZh6yV3h6hKeioDl50BqdQ53buhK4iYSb72fVLQBif+n/fI2x79Z67A5sjnS61kpjNyljz8q5PXqRsFiBSEYxFORAqPkWjc7RV1Qc=
";

/// Its public half.
pub(crate) const MINISIGN_ENCRYPTED_PUBLIC: &str = "\
untrusted comment: minisign public key C4DD451DC4CE6C41
RWRBbM7EHUXdxBa1TdvxiErUx40PV5YA4tL8XaOsz+Rnk8CY17GynXZ/
";

/// `minisign -S -t file:x`.
pub(crate) const MINISIGN_ENCRYPTED_SIGNATURE: &str = "\
untrusted comment: made by minisign
RURBbM7EHUXdxBywosQ7F87Rkx5FSeA0cCwIe77D/KzR+CT7uuJCQ2bX2sHbhovUXl22eQy6RIuSCbhQEQmXV5bOzvcE9SS/sQk=
trusted comment: file:x
L9e53nZs/6SbyDMc2IsSydvCn7VG+6lVUuw/LXBzB0twxKidQoMoqCA1B2eLZwoTzuc3Rfu048DR2+hNm78uCQ==
";

/// `openssl ecparam -name prime256v1 -genkey`, `openssl pkcs8 -topk8 -nocrypt`.
pub(crate) const PEM_P256: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4AUnNgEVxWTs3lC8
LHhN4t6Q/SOUd9Ghw/wbcrUluVihRANCAAQ9LYmg3fTtm4wbZ37Zx6szFU9lhgBL
N6Jb9FpLzawMzArpjDFRFRbmQ7JiYTdlGhOH6L3+0wWmebovqHayRO0w
-----END PRIVATE KEY-----
";

/// The same key as `openssl ecparam -genkey` wrote it.
pub(crate) const PEM_P256_SEC1: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOAFJzYBFcVk7N5QvCx4TeLekP0jlHfRocP8G3K1JblYoAoGCCqGSM49
AwEHoUQDQgAEPS2JoN307ZuMG2d+2cerMxVPZYYASzeiW/RaS82sDMwK6YwxURUW
5kOyYmE3ZRoTh+i9/tMFpnm6L6h2skTtMA==
-----END EC PRIVATE KEY-----
";

/// Its public half.
pub(crate) const PEM_P256_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPS2JoN307ZuMG2d+2cerMxVPZYYA
SzeiW/RaS82sDMwK6YwxURUW5kOyYmE3ZRoTh+i9/tMFpnm6L6h2skTtMA==
-----END PUBLIC KEY-----
";

/// `openssl dgst -sha256 -sign`, in base64.
pub(crate) const PEM_P256_SIGNATURE: &str =
    "MEUCIDeN/LyyLEyuLVgsJkj/UZhfw2n6VSk10AiMUBE6vBMcAiEAlyMr5nxJLsIR+RAVLl5cZbYGQo1onFBLZOtyGvaEVmU=";

/// The same key with a passphrase.
pub(crate) const PEM_P256_ENCRYPTED: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAix1LCu4SYTrgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJmyTnSV/3k+LTN75VPZtDMEgZCb
kVhJwyUYOSm1gobnwvj17xzH3bZLnJP3rqPAx96k55ndXTvS1+YCxjhMqrBL70j/
q7fUAQlqKgmBrmkQlluJ4DRpwF3cxPoKXMQKdxHUOiSbsR1YKzT8HxqzTjyQHUlp
xi0WE84doIghhnOUV9qPg2NOi4jQxV4RuQN5q/OdtiTHKd8crDDSB6y+hKx2Uq4=
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl ecparam -name secp384r1 -genkey`.
pub(crate) const PEM_P384: &str = "\
-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDAqUGTAzQGG/4itAm9
f5yAmq0DQ59CxwuboJTugs5oVwOCj5nLmGnFYbRHRe5JAQWhZANiAAQeaXkTqBVE
Ma5k5gnYDBYYpVYjRxMArMiHJyHTN76Z0uZwcP5TXKngAboH4p2Figcvwb9c4oaR
vpJnGNE7EcKEaA9YnnCL+vV/OxxWg1c7Rgq7O8Pd3Q4aGxETK2B6lzE=
-----END PRIVATE KEY-----
";

/// `openssl genpkey -algorithm ed25519`.
pub(crate) const PEM_ED25519: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIBhMyjmJr5xiMVNdccfzC+OrfECfYSwgjK9H6KWMoC9N
-----END PRIVATE KEY-----
";

/// Its public half.
pub(crate) const PEM_ED25519_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAo0vf8B7y8Q6s/+KqzKjGI6j7+LUK02LvBRfGJ1itxVc=
-----END PUBLIC KEY-----
";

/// `openssl pkeyutl -sign -rawin`, in base64.
pub(crate) const PEM_ED25519_SIGNATURE: &str =
    "YhqES3lsgy9eEx46lZV6nCglF2w/izvCEdljCtnzMb+1gaBS0dlddMcfreI4HYL3dU9Nt68EPFi7vjksW9dvDQ==";

/// `PEM_P256` as cosign keeps it, with `correct horse`.
pub(crate) const COSIGN_P256: &str = "\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjoxMDI0LCJyIjo4
LCJwIjoxfSwic2FsdCI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHhBUkVoTVVGUllY
R0JrYUd4d2RIaDg9In0sImNpcGhlciI6eyJuYW1lIjoibmFjbC9zZWNyZXRib3gi
LCJub25jZSI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHhBUkVoTVVGUllYIn0sImNp
cGhlcnRleHQiOiJMOGVScDRDZThlY1RETUhFYkd6aHFQNnE2cFh0b1R4VXN3eVZW
WG1oMGdFQnRwcE92U3ByZ1AzVEpQZlpHSnQ4SWZUdThYWFN4V2ovYW4xa2RlbTgv
aGE5SDROUlNXViswaDlac2xqZGpVMXNGUW53L2lOWGczZDRHU1FnY1BPWFZEQk53
aHZFOUJJNjhrNFZ1QUpYekYyRjB1Ni9aUHhvV3lIeEdOamJLSVd3NVdrTFVEQWZF
NWk5Nkp2ZUVnUVJnWUxVM0hFMUJlZzZmZz09In0=
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
";

/// `PEM_ED25519` in the same way.
pub(crate) const COSIGN_ED25519: &str = "\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjoxMDI0LCJyIjo4
LCJwIjoxfSwic2FsdCI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHhBUkVoTVVGUllY
R0JrYUd4d2RIaDg9In0sImNpcGhlciI6eyJuYW1lIjoibmFjbC9zZWNyZXRib3gi
LCJub25jZSI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHhBUkVoTVVGUllYIn0sImNp
cGhlcnRleHQiOiJYeWRBQWhWUTVlQ3dQY0Q1Wk5WcjJmNEZiNWJza1FsQnRpRGFv
elZONnlNWS9GaGRzczA1MzgrQmZvSnoyL3VkaTRtcVR2VDd3dEpST0ZDbEZaZkRE
dz09In0=
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
";
