"""The runner: makes a node what its plan says. It travels to the node and needs Python's standard library only.

Called as root, ``python3 -I /var/lib/soop/runner/<sha256>.pyz serve``, it reads one JSON request per line from standard
input, ``{"verb", …}``, and writes one JSON event per line to standard output, until there are no more requests. The
last event of a request is its outcome::

    {"event": "progress", "message": "installing 33 packages"}
    {"event": "result", …}                                        what else is in it, see the verbs
    {"event": "failure", "step", "component", "command", "exit_code", "stderr_tail", "message", "returned",
     "return_failure"?: the failure of putting it back, "debug"?: [line of a traceback]}

``step`` is request, packages, users, directories, files, links, units, scripts, health, hosts, blobs, plan, lock,
state, apply or runner (a mistake of ours); ``command`` is one line of text; what does not apply is null. ``returned``
says whether the node is what its accepted document says, again, or still since nothing was touched.

A document is what one node must be; ``plan_digest`` is over the canonical JSON (``canonical``) of the rest::

    {"format": 1, "service", "version", "digest", "role", "node": {"name", "role", "number"}, "plan": RolePlan,
     "plan_digest"}

Verbs with what they read and what they return (VERSION is {"service", "version", "digest", "plan_digest"})::

    measure  {"plan_digest", "health": bool}
             -> {"running": VERSION + {"accepted": bool} | null, "accepted": VERSION | null,
                 "intended": VERSION that was begun and not finished | null, "matches": bool, "drift": [text],
                 "healthy": bool | null if not asked or nothing runs, "health": [text], "hosts_digest",
                 "apply_running": id | null}
    inspect  {"document", "secrets"?: {key: value}, "blobs"?: [digest]}
             -> {"missing": [digest], "changes": number, "changed": [text], "running", "accepted", "intended",
                 "apply_running"}
             without secrets, a secret counts as unchanged
    receive  {}, then blobs, each as ``<digest> <size>\\n<bytes>``, then an empty line
             -> {"received": number, "bytes": number}
    apply    {"document", "secrets", "previous_secrets"?, "hosts": {name: address}, "id", "force_packages"?: bool}
             -> VERSION + {"changes": number, "changed": [text], "seconds": number}
    return   {"secrets", "hosts", "id"} -> as apply, for the accepted document
    follow   {"id"} -> the events of that apply or return from its first on
    accept   {"plan_digest", "blobs"?: [digest to keep besides]} -> {"plan_digest"}
    hosts    {"hosts": {name: address}} -> {"changed": bool, "hosts_digest": digest of {name: address}}
    script   {"blob", "source", "environment", "timeout"} -> {"exit_code", "stdout_tail", "stderr_tail"}

State lies in /var/lib/soop: blobs/sha256/<hex>, runner/, ledger.json (what we manage and how we left it), intended.json
(the document that was begun last), running.json (the one carried out last), accepted.json (the one to return to),
report.json (the last outcome), key (for hashes of what may hold secrets), replaced/ (what was in our place before us).
Secrets are kept nowhere but where the plan puts them. What passes lies in /run/soop, see ``transient``.
"""
