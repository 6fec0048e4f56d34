#!/usr/bin/env python
import sys, string
from optparse import OptionParser

parser = OptionParser()
parser.add_option("-n", "--number", dest="number", type="int", default=10)
(options, args) = parser.parse_args()

counts = {}
for line in open(args[0]):
    for word in string.split(line):
        counts[word] = counts.get(word, 0) + 1
items = counts.items()
items.sort(lambda a, b: cmp(b[1], a[1]))
for word, n in items[:options.number]:
    print "%s\t%d" % (word, n)
