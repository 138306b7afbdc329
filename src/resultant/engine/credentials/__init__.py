"""Who somebody is to an object store: worked out on the machine that talks to it, each time a store is opened.

What counts, first to last:

1. what the result was given in code: keys, a provider, a profile;
2. what a named store (``store="team-bucket"``) has in the settings of this machine, which takes the place of 1;
3. the context's ``secrets`` (``AWS_CREDENTIALS``, ``GCP_CREDENTIALS``; for Azure the secret that the result names);
4. the environment;
5. files in the home folder: ``~/.aws/credentials`` and ``~/.aws/config``, Google's application default credentials;
6. what the machine itself is given by its cloud.

Azure's connection string in the environment comes before the named secret, as it did in Prefect 1. Nothing here is ever
written, logged or shown, and nothing of it is in a pickle but in the messages that the engine sends to its workers.
"""

from __future__ import annotations
