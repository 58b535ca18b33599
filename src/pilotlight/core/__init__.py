"""The words that all layers share: settings, labs, claims, commands, events, reports, errors.

Standard library only, so that listing labs and printing help never wait for torch.
"""
