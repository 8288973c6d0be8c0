import type {
  ApplicationListenerRecord,
  ApplicationTargetRecord,
  FinalAction,
  HostCondition,
  RuleAction,
  RuleRecord,
} from './state.ts';

/** The targets that a rule forwards to, with the weights that it gives them. */
export function targetsOf(
  { targets }: Extract<FinalAction, { type: 'Forward' }>,
  listener: ApplicationListenerRecord,
): readonly { readonly target: ApplicationTargetRecord; readonly weight: number }[] {
  if (targets === 'all') return listener.targets.map((target) => ({ target, weight: target.weight }));
  return targets.flatMap(({ id, weight }) =>
    listener.targets.filter((target) => target.id === id).map((target) => ({ target, weight })),
  );
}

/** The rule without a target that it may forward to. */
export function withoutTarget(rule: RuleRecord, id: string): RuleRecord {
  const actions = rule.actions.map((action) =>
    action.type === 'Forward' && action.targets !== 'all'
      ? { ...action, targets: action.targets.filter((one) => one.id !== id) }
      : action,
  );
  return { ...rule, actions };
}

/** @source UCloud API reference, ulb-api, models */
export function ruleForm(rule: RuleRecord, listener: ApplicationListenerRecord) {
  return {
    RuleId: rule.id,
    RuleConditions: [
      ...(rule.host === undefined ? [] : [hostForm(rule.host)]),
      ...(rule.path === undefined ? [] : [{ Type: 'Path', PathConfig: { Values: [rule.path] } }]),
    ],
    RuleActions: rule.actions.map((action) => actionForm(action, listener)),
    IsDefault: rule.isDefault,
    Pass: rule.pass,
  };
}

function hostForm({ mode, value }: HostCondition) {
  return { Type: 'Host', HostConfig: { MatchMode: mode, Values: [value] } };
}

function actionForm(action: RuleAction, listener: ApplicationListenerRecord) {
  const { type: Type } = action;
  switch (Type) {
    case 'Forward': {
      const Targets = targetsOf(action, listener).map(({ target, weight }) => ({ Id: target.id, Weight: weight }));
      return { Type, ForwardConfig: { Targets } };
    }
    case 'FixedResponse':
      return { Type, FixedResponseConfig: { HttpCode: action.code, Content: action.content } };
    case 'InsertHeader':
      return {
        Type,
        Order: action.order,
        InsertHeaderConfig: { Key: action.key, ValueType: action.kind, Value: action.value },
      };
    case 'RemoveHeader':
      return { Type, Order: action.order, RemoveHeaderConfig: { Key: action.key } };
    case 'Cors':
      return {
        Type,
        Order: action.order,
        CorsConfig: {
          AllowOrigin: action.origins,
          AllowHeaders: action.headers,
          ExposeHeaders: action.exposed,
          AllowMethods: action.methods,
          AllowCredentials: action.credentials ? 'on' : 'off',
          MaxAge: action.maxAge,
        },
      };
  }
}
