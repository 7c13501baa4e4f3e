"""Groundplan: a self-hosted home for Terraform projects and workspaces."""
