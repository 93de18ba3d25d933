"""Loading the claims, running their snippets in isolation, recording the evidence.

catalogue   claim folders -> typed objects, and every problem with its place
frontmatter the head of a claim: its schema, and its errors in words
markup      Markdown split into prose and code, refusing what does not belong
problems    what is wrong with a file, and where
frameworks  what is compared, what each needs imported, which versions are installed
examples    a snippet file -> Sybil examples, and how their output is compared
child       runs one snippet file, in a process that lives for nothing else
server      imports a framework once, then forks a child per snippet file
runner      many children at once, their limits, what they report
evidence    one JSON per snippet file: what ran, on what, with which outcome
plugin      the same as pytest items
"""
