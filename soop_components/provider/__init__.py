"""The ``soop`` resource provider: what Pulumi's engine calls to make machines and to release services on them."""
