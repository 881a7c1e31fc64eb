"""The plugin's processes: a launcher, which Pulumi's engine starts, and a server that outlasts it for a while.

It knows nothing of resources and loads little, since the engine starts it several times per command.
"""

from soop_components.plugin.idle_servers import stop_idle_servers
from soop_components.plugin.launcher import ServerStart, run

__all__ = ["ServerStart", "run", "stop_idle_servers"]
