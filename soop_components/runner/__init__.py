"""The runner: makes a node what its document says. It travels to the node and needs Python's standard library only.

Called as root, ``python3 -I /var/lib/soop/runner/<sha256> serve``, it answers the requests of ``protocol`` until
there are no more. A document says what one node must be; ``plan_digest`` is over the canonical JSON of the rest::

    {"format": 1, "service", "version", "digest", "role", "node": {"name", "role", "number"}, "plan": RolePlan,
     "plan_digest"}

State lies in /var/lib/soop: blobs/sha256/<hex>, runner/, ledger.json (what we manage and how we left it), intended.json
(the document whose apply began last), running.json (the one that was applied last), accepted.json and previous.json
(the one that was accepted last and the one before, see ``accept``), hosts.json (the addresses in /etc/hosts),
drained.json (the node serves no more), key (for hashes of what may hold secrets), replaced/ (what was in our place
before us). Secrets are kept only where the plan puts them. What need not outlast a restart lies in /run/soop, see
``transient``.
"""
