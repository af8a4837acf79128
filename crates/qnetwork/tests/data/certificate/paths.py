#!/usr/bin/python3
"""Records how many certificates Qt's QSslCertificate::fromPath finds, for `tests.rs` to compare with.

    /usr/bin/python3 paths.py ../../../../../tests/conformance/certs/good.crt > paths.tsv

It needs PySide2 5.15. A line is a path, `$D` being a directory with the files made below, how many there are by it as
a fixed string, a wildcard and a regular expression, and as a wildcard if they are DER. In fixed strings that are no
files Qt finds what a regular expression would, other than its documentation says; these are written down as 0.
"""

import os
import sys
import tempfile

from PySide2.QtCore import QByteArray
from PySide2.QtNetwork import QSsl, QSslCertificate

SYNTAX = QSslCertificate.PatternSyntax
PATHS = """
certs/a.pem certs certs/ certs/* certs/*.pem certs/?.pem certs/[ab].pem * *.pem cert*/a.pem */*.pem certs/*/d.pem
./certs/a.pem ./certs/*.pem certs//a.pem certs/../certs/a.pem certs/*.PEM certs/.* certs/.*\\.pem
certs/a.pem|$D/certs/b.pem certs/(a|b).pem certs/x+y.pem certs/e[1].pem (certs)/a.pem .* certs/sub/../a.pem certs/sub
certs/sub/* certs/s*/d.pem nonexist/* certs/*.der ** certs/[!a].pem certs/[^a].pem certs/\\*.pem certs/a.pem$
certs/link/* certs/loop certs/[ certs/( certs/**.pem certs/.hid.pem certs/zero.pem certs/a ?erts/a.pem certs/a\\.pem
certs/{a,b}.pem certs/[a-b].pem certs/[]a].pem certs/sp?a.pem certs/[[]*.pem certs/a.p*m certs/a.pem* certs/[A-Z]*
[bc]erts/a.pem certs/[/]a.pem certs/sub/loop/a.pem certs/sub/loop/* certs/*/* */*/* .+/a\\.pem certs/[ab]\\.pem
certs/\\w+\\.pem certs/two.pem certs/t*
""".split()

with open(sys.argv[1], encoding="ascii") as file:
    pem = file.read()
pem = pem[pem.index("-----BEGIN"):]
directory = tempfile.mkdtemp()
os.makedirs(directory + "/certs/sub")
os.makedirs(directory + "/other")
for name in ["a.pem", "b.pem", "c.crt", "sub/d.pem", "noext", "A.PEM", ".hid.pem", "sp a.pem", "x+y.pem", "e[1].pem",
             "../top.pem", "../other/o.pem"]:
    with open(f"{directory}/certs/{name}", "w", encoding="ascii") as file:
        file.write(pem)
with open(directory + "/certs/two.pem", "w", encoding="ascii") as file:
    file.write(pem * 2)
with open(directory + "/certs/a.der", "wb") as file:
    file.write(bytes(QSslCertificate(QByteArray(pem.encode())).toDer()))
os.symlink("../other", directory + "/certs/link")
os.symlink("..", directory + "/certs/sub/loop")
os.symlink("/dev/zero", directory + "/certs/zero.pem")

for path in PATHS:
    path = directory + "/" + path.replace("$D", directory)
    counts = [len(QSslCertificate.fromPath(path, QSsl.Pem, syntax))
              for syntax in (SYNTAX.FixedString, SYNTAX.Wildcard, SYNTAX.RegularExpression)]
    if not os.path.isfile(path):
        counts[0] = 0
    counts.append(len(QSslCertificate.fromPath(path, QSsl.Der, SYNTAX.Wildcard)))
    print(path.replace(directory, "$D"), *counts, sep="\t")
