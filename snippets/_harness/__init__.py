"""Loading the claims, running their snippets in isolation, recording the evidence.

catalogue   claim folders -> typed objects, and every problem with its place
frontmatter the head of a claim: its schema, and its errors in words
needs       what claims may need beside the frameworks
markup      Markdown split into prose and code, refusing what does not belong
problems    what is wrong with a file, and where
frameworks  what is compared, what each needs imported, which versions are installed
examples    a snippet file -> Sybil examples, and how their output is compared
child       runs one snippet file, in a process that lives for nothing else
confine     walls around what runs snippets: no network, files or processes of others
server      imports a framework once, then forks a child per snippet file
follow      one running child: its reports, its output, its end
starters    what starts children: fork servers, or fresh processes
runner      many children at once, their limits, what they report
evidence    one JSON per snippet file: what ran, on what, with which outcome
plugin      the same as pytest items
new, format, alone  for contributors: a scaffold, formatted doctests, one build at a time
nightly     what new releases change, as one issue
"""
