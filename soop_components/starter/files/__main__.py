"""The program that Pulumi's engine runs for every domain of this project."""

from soop_components.components.program import deploy_domain

deploy_domain()
