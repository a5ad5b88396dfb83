"""Bias probe: does a model treat names of several groups differently in the same sentences?"""
