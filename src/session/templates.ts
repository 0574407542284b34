import { InvalidConfiguration } from './errors.js';
import { allPermissions, PERMISSION_NAMES, type SessionPermissions } from './permissions.js';
import { QUOTA_NAMES, type SessionQuotas } from './quota.js';
import { SATELLITE_NAME } from './satellite.js';

/** What is written down of a session's messages: nothing, what they were (with their hash), or all of them. */
export type MessageLogging = 'off' | 'headers' | 'whole';

export interface SessionSettings {
  /** A session that has reached `quotas.maxAgeMs` ends by itself; otherwise its age is only told. */
  readonly automaticExpiry: boolean;
  readonly messageLogging: MessageLogging;
  /** What is said unasked (transactions, announcements, ranges) is written down as well. */
  readonly ambientLogging: boolean;
  /** Messages are counted by name, and round trips by kind of request. */
  readonly measurement: boolean;
}

/** What one session may do, how much, and what is written down of it. */
export interface SessionTemplate {
  readonly name: string;
  readonly permissions: SessionPermissions;
  readonly quotas: SessionQuotas;
  readonly settings: SessionSettings;
  /** Names of protocols beside eth that are not spoken with such a peer, whoever registered them. */
  readonly withoutProtocols: readonly string[];
}

/** A template of the user's own: what differs from the one it extends (`basic` where it names none). */
export interface TemplateOptions {
  readonly extends?: string;
  readonly permissions?: Partial<SessionPermissions>;
  readonly quotas?: Partial<SessionQuotas>;
  readonly settings?: Partial<SessionSettings>;
  readonly withoutProtocols?: readonly string[];
}

const MiB = 1024 * 1024;
const HOUR_MS = 3_600_000;

/**
 * For everyone. The figures are there to stop abuse, not to slow a peer that copies a whole chain: geth asks for at most 128
 * bodies at a time, and 128 MiB/s is more than a gigabit line carries.
 */
const BASIC: SessionTemplate = {
  name: 'basic',
  permissions: allPermissions(true),
  quotas: {
    bytesPerSecond: 128 * MiB,
    requestsPerSecond: 2_000,
    burstMs: 10_000,
    inflightRequests: 1_024,
    queuedBytes: 32 * MiB,
    maxAgeMs: Number.POSITIVE_INFINITY,
  },
  settings: { automaticExpiry: true, messageLogging: 'off', ambientLogging: false, measurement: true },
  withoutProtocols: [],
};

/** Peers that the user has named: four times as much. */
const STATIC: SessionTemplate = {
  ...BASIC,
  name: 'static',
  quotas: {
    ...BASIC.quotas,
    bytesPerSecond: 512 * MiB,
    requestsPerSecond: 8_000,
  },
};

/** Peers that the user vouches for: no quota. What keeps memory bounded holds for them as for everyone. */
const TRUSTED: SessionTemplate = {
  ...BASIC,
  name: 'trusted',
  quotas: {
    bytesPerSecond: Number.POSITIVE_INFINITY,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    burstMs: BASIC.quotas.burstMs,
    inflightRequests: Number.POSITIVE_INFINITY,
    queuedBytes: Number.POSITIVE_INFINITY,
    maxAgeMs: Number.POSITIVE_INFINITY,
  },
};

const BUILT_IN: readonly SessionTemplate[] = [BASIC, STATIC, TRUSTED];
const TEMPLATE_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const LOGGING: readonly MessageLogging[] = ['off', 'headers', 'whole'];
const SETTING_NAMES: readonly (keyof SessionSettings)[] = [
  'automaticExpiry',
  'messageLogging',
  'ambientLogging',
  'measurement',
];
/** Longer ages are no limit (2^53 ms are 285,000 years, timers end at 2^31); it is also where floats stay exact. */
const MAX_AGE_MS = 24 * 365 * HOUR_MS;

/** The templates of one manager: `basic`, `static`, `trusted`, and the user's own, all checked before they are used. */
export class SessionTemplates {
  readonly #hasJournal: boolean;
  readonly #byName = new Map(BUILT_IN.map((template) => [template.name, template]));

  /**
   * @param own by name; each may extend a built-in one, or one that stands before it, and may take a built-in one's name
   * @param hasJournal whether there is anything that messages could be written to
   * @throws InvalidConfiguration
   */
  constructor(own: Readonly<Record<string, TemplateOptions>> = {}, hasJournal = true) {
    this.#hasJournal = hasJournal;
    for (const [name, options] of Object.entries(own)) this.#byName.set(name, this.define(name, options));
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  /** @throws InvalidConfiguration naming `field` where there is no such template */
  get(name: string, field = 'template'): SessionTemplate {
    const template = this.#byName.get(name);
    if (template !== undefined) return template;
    throw new InvalidConfiguration(
      field,
      `there is no template ${JSON.stringify(name)}; there are ${this.names.join(', ')}`,
    );
  }

  /** What stands in an option: a name, or a template for one session alone. @throws InvalidConfiguration */
  of(template: string | TemplateOptions): SessionTemplate {
    return typeof template === 'string' ? this.get(template) : this.define('own', template);
  }

  /** A template that is not kept here: for one session. @throws InvalidConfiguration */
  define(name: string, options: TemplateOptions): SessionTemplate {
    if (!TEMPLATE_NAME.test(name)) {
      throw new InvalidConfiguration('name', `${JSON.stringify(name)} is not a name like my-peers`);
    }
    const path = `templates.${name}`;
    const {
      extends: base,
      permissions,
      quotas,
      settings,
      withoutProtocols,
      ...others
    } = checkedObject(path, options);
    refuseOthers(path, others);
    if (base !== undefined && typeof base !== 'string')
      throw new InvalidConfiguration(`${path}.extends`, `${describe(base)} is not a name`);
    const from = this.get(base ?? 'basic', `${path}.extends`);
    const template = {
      name,
      permissions: { ...from.permissions, ...checkPermissions(`${path}.permissions`, permissions) },
      quotas: { ...from.quotas, ...checkQuotas(`${path}.quotas`, quotas) },
      settings: { ...from.settings, ...checkSettings(`${path}.settings`, settings) },
      withoutProtocols:
        withoutProtocols === undefined
          ? from.withoutProtocols
          : checkProtocols(`${path}.withoutProtocols`, withoutProtocols),
    };
    if (template.settings.messageLogging !== 'off' && !this.#hasJournal)
      throw new InvalidConfiguration(`${path}.settings.messageLogging`, 'there is no journal to write to');
    return template;
  }
}

function checkPermissions(path: string, given: unknown): Partial<SessionPermissions> {
  return checkFields<SessionPermissions>(path, given, PERMISSION_NAMES, () => checkBoolean);
}

function checkQuotas(path: string, given: unknown): Partial<SessionQuotas> {
  return checkFields<SessionQuotas>(path, given, QUOTA_NAMES, (name) => {
    if (name === 'burstMs') return checkBurst;
    return name === 'maxAgeMs' ? checkAge : checkAmount;
  });
}

function checkSettings(path: string, given: unknown): Partial<SessionSettings> {
  return checkFields<SessionSettings>(path, given, SETTING_NAMES, (name) =>
    name === 'messageLogging' ? checkLogging : checkBoolean,
  );
}

function checkProtocols(path: string, given: unknown): readonly string[] {
  if (!Array.isArray(given))
    throw new InvalidConfiguration(path, `${describe(given)} is not a list of names`);
  for (const name of given as readonly unknown[]) {
    if (typeof name !== 'string' || !SATELLITE_NAME.test(name))
      throw new InvalidConfiguration(path, `${describe(name)} is not the name of a protocol`);
    if (name === 'eth') throw new InvalidConfiguration(path, 'eth is spoken by the session itself');
  }
  return [...(given as readonly string[])];
}

/** @returns what is wrong with a value */
type Check = (value: unknown) => string | undefined;

function checkFields<T extends object>(
  path: string,
  given: unknown,
  names: readonly (keyof T & string)[],
  checkOf: (name: keyof T) => Check,
): Partial<T> {
  if (given === undefined) return {};
  const checked: Partial<T> = {};
  const { ...others } = checkedObject(path, given);
  for (const name of names) {
    const value = others[name];
    delete others[name];
    if (value === undefined) continue; // left out
    const fault = checkOf(name)(value);
    if (fault !== undefined) throw new InvalidConfiguration(`${path}.${name}`, fault);
    checked[name] = value as T[typeof name];
  }
  refuseOthers(path, others);
  return checked;
}

function checkedObject(path: string, given: unknown): Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given))
    return given as Record<string, unknown>;
  throw new InvalidConfiguration(path, `${describe(given)} is not an object`);
}

function refuseOthers(path: string, others: Record<string, unknown>): void {
  for (const name of Object.keys(others))
    throw new InvalidConfiguration(`${path}.${name}`, 'there is no such field');
}

const checkBoolean: Check = (value) =>
  typeof value === 'boolean' ? undefined : `${describe(value)} is neither true nor false`;

const checkLogging: Check = (value) =>
  LOGGING.some((one) => one === value) ? undefined : `${describe(value)} is none of ${LOGGING.join(', ')}`;

const checkAmount: Check = (value) => {
  if (typeof value !== 'number' || !(value >= 1)) return `${describe(value)} is not a number from 1 on`;
  if (value !== Number.POSITIVE_INFINITY && value > Number.MAX_SAFE_INTEGER)
    return `${describe(value)} is too large`;
  return undefined;
};

const checkBurst: Check = (value) =>
  typeof value === 'number' && value >= 1 && value <= HOUR_MS
    ? undefined
    : `${describe(value)} is not a number from 1 to ${HOUR_MS}`;

const checkAge: Check = (value) => {
  if (value === Number.POSITIVE_INFINITY) return undefined;
  return typeof value === 'number' && value >= 1 && value <= MAX_AGE_MS
    ? undefined
    : `${describe(value)} is neither Infinity nor a number from 1 to ${MAX_AGE_MS}`;
};

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object' : `${typeof value} ${String(value)}`;
}
