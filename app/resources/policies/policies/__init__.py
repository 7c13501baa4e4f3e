"""Policies on plans, written in Rego."""
