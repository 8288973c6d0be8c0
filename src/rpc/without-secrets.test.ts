import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  CreateVolumeRequestSchema,
  ListSnapshotsResponseSchema,
  NodePublishVolumeRequestSchema,
  NodeStageVolumeRequestSchema,
  VolumeCapability_AccessMode_Mode,
} from './gen/csi_pb.js';
import { withoutSecrets } from './without-secrets.ts';

test('shows a request whole but for its secrets', () => {
  const asked = create(NodeStageVolumeRequestSchema, {
    volumeId: 'bsm-1',
    stagingTargetPath: '/var/lib/kubelet/x',
    volumeCapability: {
      accessType: { case: 'mount', value: { fsType: 'ext4', mountFlags: ['noatime'] } },
      accessMode: { mode: VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER },
    },
    publishContext: { device: '/dev/vdb' },
    secrets: { passphrase: 'hush' },
  });
  expect(withoutSecrets(NodeStageVolumeRequestSchema, asked)).toEqual({
    volumeId: 'bsm-1',
    stagingTargetPath: '/var/lib/kubelet/x',
    volumeCapability: {
      mount: { fsType: 'ext4', mountFlags: ['noatime'] },
      accessMode: { mode: 'SINGLE_NODE_WRITER' },
    },
    publishContext: { device: '/dev/vdb' },
    secrets: '(secret)',
  });
});

test('blots out the tokens that kubelet may put among the attributes of a volume', () => {
  const asked = create(NodePublishVolumeRequestSchema, {
    volumeId: 'ufs-1',
    volumeContext: { share: '/team', 'csi.storage.k8s.io/serviceAccount.tokens': '{"":{"token":"hush"}}' },
  });
  expect(withoutSecrets(NodePublishVolumeRequestSchema, asked)).toEqual({
    volumeId: 'ufs-1',
    volumeContext: { share: '/team', 'csi.storage.k8s.io/serviceAccount.tokens': '(secret)' },
  });
});

test('keeps what has a text of its own in JSON, in lists too', () => {
  const told = create(ListSnapshotsResponseSchema, {
    entries: [{ snapshot: { snapshotId: 's-1', creationTime: { seconds: 1_800_000_000n }, sizeBytes: 5n } }],
  });
  expect(withoutSecrets(ListSnapshotsResponseSchema, told)).toEqual({
    entries: [{ snapshot: { snapshotId: 's-1', creationTime: '2027-01-15T08:00:00Z', sizeBytes: '5' } }],
  });
  const topology = create(CreateVolumeRequestSchema, {
    accessibilityRequirements: { preferred: [{ segments: { zone: 'a' } }] },
  });
  expect(withoutSecrets(CreateVolumeRequestSchema, topology)).toEqual({
    accessibilityRequirements: { preferred: [{ segments: { zone: 'a' } }] },
  });
});
