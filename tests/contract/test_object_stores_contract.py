"""Object stores against the suite that is shipped for stores: in memory, in a folder, and on servers of this machine."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from resultant.stores import Store
from resultant.stores.object import object_store
from resultant.testing import StoreTests

pytestmark = pytest.mark.timeout(60)


def below(bucket: Any) -> Store:
    """Return an empty store below a prefix of its own."""
    return object_store(f"{bucket.url}/{uuid.uuid4().hex[:8]}/folder", bucket.options)


class TestMemoryUrl(StoreTests):
    @pytest.fixture
    def store(self) -> Store:
        return object_store(f"memory:///{uuid.uuid4().hex}")


class TestFileUrl(StoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return object_store(f"file://{tmp_path}/not/there/yet")


class TestFsspec(StoreTests):
    """A scheme that obstore does not know, on a file system that renames."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return object_store(f"local://{tmp_path}/not/there/yet")


class TestMoto(StoreTests):
    @pytest.fixture
    def store(self, moto: Any) -> Store:
        return below(moto.bucket)


class TestSeaweedFS(StoreTests):
    @pytest.fixture
    def store(self, seaweedfs: Any) -> Store:
        return below(seaweedfs.bucket)


class TestGoogle(StoreTests):
    @pytest.fixture
    def store(self, gcs: Any) -> Store:
        return below(gcs.bucket)


class TestAzure(StoreTests):
    @pytest.fixture
    def store(self, azurite: Any) -> Store:
        return below(azurite.bucket)


class TestWholeBucket(StoreTests):
    """No prefix: keys are the names of objects."""

    @pytest.fixture
    def store(self, moto: Any) -> Store:
        bucket = moto.new_bucket()
        return object_store(bucket.url, bucket.options)
