"""What happens at the stand-in's AWS where a project says so: instances run, volumes hold data, groups filter."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from soop_components.project import Project
from tests.amazon.instances import Instances
from tests.amazon.packet_filter import ruleset
from tests.amazon.root import as_root
from tests.amazon.volumes import Volumes
from tests.native.cloud import Cloud
from tests.native.effects import Effects

RUNNING = "STAND_IN_AWS_RUNS"
"""Variable of the plugin's environment: the project whose local machines are the instances; without it nothing runs."""
_LOOK_EVERY = 0.5
_INSTANCE = "aws:ec2/instance:Instance"
_VOLUME = "aws:ebs/volume:Volume"
_ATTACHMENT = "aws:ec2/volumeAttachment:VolumeAttachment"
_STATE = "aws:ec2transitgateway/instanceState:InstanceState"
_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


class RunningEffects(Effects):
    """Instances are local machines that a real cloud-init sets up, volumes are files."""

    def __init__(self, cloud: Cloud, folder: Path, project: Project) -> None:
        self._cloud = cloud
        self._instances = Instances(project)
        self._volumes = Volumes(folder)
        self._networking = Lock()
        """Held while what is on the network is filtered, leaves it or comes back."""
        Thread(target=self._watch, daemon=True).start()

    def made(self, token: str, id: str, inputs: dict[str, Any]) -> dict[str, Any]:
        if token == _INSTANCE:
            return {"privateIp": self._instances.run(id, _domain(inputs), inputs["userData"]), "runs": True}
        if token == _VOLUME:
            self._volumes.make(id, int(inputs["size"]))
        if token == _ATTACHMENT:
            instance = inputs["instanceId"]
            self._volumes.attach(inputs["volumeId"], self._instances, instance, self._domain_of(instance))
        return {}

    def found(self, token: str, outputs: dict[str, Any]) -> dict[str, Any]:
        if token != _STATE:
            return {}
        instance = outputs["instanceId"]
        runs = self._instances.is_running(instance, self._domain_of(instance))
        return {"state": "running" if runs else "stopped"}

    def changed(self, token: str, id: str, inputs: dict[str, Any]) -> None:
        if token == _STATE:
            instance = inputs["instanceId"]
            with self._networking:
                self._instances.start(instance, self._domain_of(instance))
        if token == _VOLUME:
            self._volumes.make(id, int(inputs["size"]))

    def gone(self, token: str, id: str, outputs: dict[str, Any]) -> None:
        if token == _VOLUME:
            self._volumes.remove(id)
        with self._networking:
            if token == _INSTANCE:
                self._instances.terminate(id, _domain(outputs))
            if token == _ATTACHMENT:
                self._instances.stop(outputs["instanceId"], self._domain_of(outputs["instanceId"]))
                self._volumes.detach(outputs["volumeId"])

    def settle(self, token: str) -> None:
        """Let every instance be reached as its security groups say."""
        if token not in (_INSTANCE, _RULE, _STATE):
            return
        with self._networking:
            instances = self._running()
            with self._cloud.alone():
                rules = list(self._cloud.all("SecurityGroupIngressRule").values())
            members: dict[str, list[str]] = {}
            for each in instances.values():
                for group in each["vpcSecurityGroupIds"]:
                    members.setdefault(group, []).append(each["privateIp"])
            for id, each in instances.items():
                namespace = self._instances.namespace(id, _domain(each))
                if namespace is not None:
                    text = ruleset(each["vpcSecurityGroupIds"], rules, members)
                    as_root("nsenter", f"--net={namespace}", "nft", "-f", "-", stdin=text.encode())

    def _watch(self) -> None:
        """Take instances off the network that were seen running and have shut themselves down."""
        seen: set[str] = set()
        while True:
            for id, each in self._running().items():
                if self._instances.is_running(id, _domain(each)):
                    seen.add(id)
                elif id in seen:
                    with self._networking:
                        self._instances.stop(id, _domain(each))
                    seen.remove(id)
            time.sleep(_LOOK_EVERY)

    def _running(self) -> dict[str, dict[str, Any]]:
        """Return the instances that were started completely; some may have been shut down since then."""
        with self._cloud.alone():
            return {id: each for id, each in self._cloud.all("Instance").items() if "runs" in each}

    def _domain_of(self, instance: str) -> str:
        with self._cloud.alone():
            outputs = self._cloud.get(instance)
        assert outputs is not None
        return _domain(outputs)


def effects(cloud: Cloud, folder: Path) -> Effects:
    """Return what is to happen in this process."""
    project = os.environ.get(RUNNING)
    return RunningEffects(cloud, folder, Project(Path(project))) if project else Effects()


def _domain(instance: dict[str, Any]) -> str:
    return str(instance["tags"]["soop:domain"])
