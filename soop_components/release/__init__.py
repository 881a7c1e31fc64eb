"""What the deployer does on the nodes of one service: the rollout, sessions with runners, smoke tests."""
