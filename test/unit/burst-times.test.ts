import { expect, test } from 'vitest';
import { percentile, timesOf } from '../long/network/burst-times.ts';

const second = (n: number): number => Date.parse('2026-11-29T12:09:43Z') + n * 1000;

const watched = [
  { at: second(0), line: 'web-895b9||' },
  { at: second(0.02), line: 'web-895b9|web-1|' },
  { at: second(0.03), line: 'web-895b9|web-1|False' },
  { at: second(1.5), line: 'web-895b9|web-1|True' },
];

/** As containerd 1.6.20 and the agent wrote it, ids shortened; another pod's sandbox between them. */
const node = `time="2026-11-29T12:09:43.054585097Z" level=info msg="RunPodSandbox for &PodSandboxMetadata{Name:web-895b9,Uid:752e62d6,Namespace:default,Attempt:0,}"
time="2026-11-29T12:09:43.060000000Z" level=info msg="RunPodSandbox for &PodSandboxMetadata{Name:other-1,Uid:852e62d6,Namespace:default,Attempt:0,}"
time="2026-11-29T12:09:43.479590421Z" level=info msg="RunPodSandbox for &PodSandboxMetadata{Name:web-895b9,Uid:752e62d6,Namespace:default,Attempt:0,} returns sandbox id \\"6f5c247\\""
time="2026-11-29T12:09:43.543257006Z" level=info msg="CreateContainer within sandbox \\"6f5c247\\" for container &ContainerMetadata{Name:web,Attempt:0,}"
time="2026-11-29T12:09:43.649908691Z" level=info msg="CreateContainer within sandbox \\"6f5c247\\" for &ContainerMetadata{Name:web,Attempt:0,} returns container id \\"b38696d\\""
time="2026-11-29T12:09:43.669092029Z" level=info msg="StartContainer for \\"b38696d\\""
time="2026-11-29T12:09:43.811715464Z" level=info msg="StartContainer for \\"b38696d\\" returns successfully"
2026-11-29T12:09:43.12400685Z stdout F {"level":30,"time":${second(0.124)},"program":"agent","verb":"ADD","version":"1.0.0","container":"6f5c247","ifname":"eth0","took":18,"msg":"answering CNI"}
2026-11-29T12:09:43.12500685Z stdout F {"level":30,"time":${second(0.125)},"program":"agent","verb":"ADD","version":"1.0.0","container":"6f5c247","ifname":"eth0","code":11,"msg":"refusing CNI"}
`;

test('the moments of a pod are read from what API server, containerd and agent say', () => {
  expect([...timesOf(watched, [node])]).toEqual([
    [
      'web-895b9',
      {
        created: second(0),
        bound: second(0.02),
        asked: second(0.054),
        addAsked: second(0.106),
        addAnswered: second(0.124),
        connected: second(0.479),
        started: second(0.811),
        ready: second(1.5),
      },
    ],
  ]);
});

test('a percentile is one of the values, and the last of few', () => {
  expect([0.5, 0.95].map((share) => percentile([1, 2, 3, 4], share))).toEqual([2, 4]);
  expect(percentile([], 0.5)).toBeNaN();
});
