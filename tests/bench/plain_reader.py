"""A plain keep-alive client, nothing tuned: prints how many reads a second it gets.

    plain_reader.py CONTROLLER_PORT PATH SECONDS
"""

import http.client
import sys
import time

connection = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))
seconds = float(sys.argv[3])
start = time.monotonic()
reads = 0
while time.monotonic() - start < seconds:
    connection.request('GET', sys.argv[2])
    connection.getresponse().read()
    reads += 1
print(reads / (time.monotonic() - start))
