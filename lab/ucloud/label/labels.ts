import * as z from 'zod';
import { type Action, actionsOf, integer, page, pageOf, text, texts } from '../gateway/declare.ts';
import type { Desk } from '../gateway/desk.ts';
import { Refusal } from '../gateway/refusal.ts';
import type { GatewayState } from '../gateway/state.ts';
import type { LabelRecord, LabelState } from './state.ts';

/** The pages list neither, but the official clients put both on every call. */
const anywhere = { Region: text.optional(), ProjectId: text.optional() };
const label = z.strictObject({ Key: text, Value: text });
const labels = z.array(label).min(1);
const binding = { ...anywhere, ResourceIds: z.array(text).min(1), Labels: labels };
const tenAPage = { ...page(10), Offset: integer.pipe(z.number().min(0)).default(0) };

type LabelSeen = GatewayState & LabelState;
/** What the actions of this product get. */
export type LabelCloud = Desk<LabelSeen>;
const action = actionsOf<LabelCloud>();

/**
 * Labels of any resource by its id; the type names are a choice of ours, see docs/explanation/simulated-cloud.md.
 * @source UCloud API reference, label
 */
export const labelActions: Readonly<Record<string, Action<LabelCloud>>> = {
  CreateLabels: action({ ...anywhere, Labels: labels }, () => ({})),

  BindLabels: action(binding, (args, cloud) => {
    const { state } = cloud;
    for (const id of args.ResourceIds) {
      checkResource(id, cloud);
      for (const { Key, Value } of args.Labels) {
        unbind(state, (one) => one.resource === id && one.key === Key);
        state.labels.push({ resource: id, key: Key, value: Value });
      }
    }
    return {};
  }),

  UnbindLabels: action(binding, (args, { state }) => {
    for (const id of args.ResourceIds)
      for (const { Key, Value } of args.Labels)
        unbind(state, (one) => one.resource === id && one.key === Key && one.value === Value);
    return {};
  }),

  ListLabelsByResourceIds: action(
    { ...anywhere, ...tenAPage, ResourceIds: z.array(text).min(1) },
    (args, { state }) => {
      const { TotalCount, shown } = pageOf(
        state.labels.filter(({ resource }) => args.ResourceIds.includes(resource)),
        args,
      );
      return { TotalCount, Labels: shown.map((one) => ({ ResourceId: one.resource, ...labelForm(one) })) };
    },
  ),

  ListResourcesByLabels: action(
    {
      ...anywhere,
      Offset: tenAPage.Offset,
      // 0: all, up to the largest page.
      Limit: integer.pipe(z.number().min(0).max(100)).default(0),
      Labels: z.array(label).default([]),
      ResourceTypes: texts,
      ProjectIds: texts,
    },
    (args, cloud) => {
      const { account, state } = cloud;
      const found = resourcesIn(cloud)
        .filter(({ type }) => isAmong(type, args.ResourceTypes) && isAmong(account.project.id, args.ProjectIds))
        .map((one) => ({ ...one, labels: state.labels.filter(({ resource }) => resource === one.id) }))
        .filter((one) =>
          args.Labels.every(({ Key, Value }) => one.labels.some(({ key, value }) => key === Key && value === Value)),
        );
      const { TotalCount, shown } = pageOf(found, { Offset: args.Offset, Limit: args.Limit === 0 ? 100 : args.Limit });
      return {
        TotalCount,
        Resources: shown.map((one) => ({
          ProjectId: account.project.id,
          ProjectName: account.project.name,
          ResourceId: one.id,
          ResourceName: one.name,
          ResourceType: one.type,
          Labels: one.labels.map(labelForm),
        })),
      };
    },
  ),

  // Those that are bound to something: a label that is not bound is kept nowhere.
  ListLabels: action({ ...anywhere, ...tenAPage, Category: z.enum(['custom', 'system']) }, (args, { state }) => {
    const counts = new Map<string, { Key: string; Value: string; ResourceCount: number }>();
    for (const { key, value } of args.Category === 'custom' ? state.labels : []) {
      const name = JSON.stringify([key, value]);
      counts.set(name, { Key: key, Value: value, ResourceCount: (counts.get(name)?.ResourceCount ?? 0) + 1 });
    }
    const { TotalCount, shown } = pageOf([...counts.values()], args);
    return { TotalCount, Labels: shown };
  }),

  ListProjectsByLabels: action({ ...anywhere, Labels: z.array(label).default([]) }, (args, cloud) => {
    const { account, state } = cloud;
    const found = resourcesIn(cloud).filter(({ id }) =>
      args.Labels.every((one) =>
        state.labels.some(({ resource, key, value }) => resource === id && key === one.Key && value === one.Value),
      ),
    );
    if (found.length === 0) return { Projects: [] };
    const ResourceTypes = [...new Set(found.map(({ type }) => type))];
    const { id, name } = account.project;
    return { Projects: [{ ProjectId: id, ProjectName: name, ResourceTypes, DisabledResourceTypes: [] }] };
  }),

  ListResourcesTypesForLabel: action(anywhere, () => ({ TotalCount: 3, ResourceTypes: ['uhost', 'vpc', 'subnet'] })),
};

/** Nothing asked for asks for all. */
function isAmong(one: string, asked: readonly string[]): boolean {
  return asked.length === 0 || asked.includes(one);
}

interface Resource {
  readonly id: string;
  readonly name: string;
  readonly type: string;
}

function resourcesIn(cloud: LabelCloud): readonly Resource[] {
  return cloud
    .objects(cloud.state)
    .flatMap(({ id, name, labelType: type }) => (type === undefined ? [] : [{ id, name, type }]));
}

/** @fails Refusal 8039 */
function checkResource(id: string, cloud: LabelCloud): void {
  if (!resourcesIn(cloud).some((one) => one.id === id)) throw new Refusal(8039, `resource ${id} does not exist`);
}

function unbind(state: LabelState, isMeant: (label: LabelRecord) => boolean): void {
  const left = state.labels.filter((one) => !isMeant(one));
  state.labels.splice(0, state.labels.length, ...left);
}

function labelForm({ key, value }: LabelRecord) {
  return { Key: key, Value: value, Category: 'custom' };
}
