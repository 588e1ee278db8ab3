import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { Fault } from '#core/fault';
import { SETTINGS, type Settings } from '#platform';
import { type Instance, parseInstance } from './instance.js';
import { parseTrustMaterial, type TrustMaterial } from './trust-material.js';

/** `Instance`: what this installation is called. */
export const INSTANCE = Symbol('INSTANCE');
/** `TrustMaterial`: what its ceremonies produced. */
export const TRUST_MATERIAL = Symbol('TRUST_MATERIAL');

/** Where ceremonies leave what the appliance reads, under the state directory. */
export function trustMaterialPath(stateDir: string): string {
  return join(stateDir, 'trust', 'trust-material.json');
}

function read(path: string, hint: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Fault('absent', 'instance/unreadable', `cannot read ${path}; ${hint}`, { cause });
  }
}

/** @throws {Fault} instance/… */
export function loadInstance(settings: Settings): Instance {
  const instance = parseInstance(
    read(settings.instance, 'the setting `instance` must name the instance.yaml of genesis'),
  );
  refuseOtherMode('instance.yaml', instance.mode, settings);
  return instance;
}

/** @throws {Fault} instance/… */
export function loadTrustMaterial(settings: Settings): TrustMaterial {
  const path = trustMaterialPath(settings.stateDir);
  const material = parseTrustMaterial(read(path, 'run the genesis ceremony first'));
  refuseOtherMode('the trust material', material.mode, settings);
  return material;
}

/** Nothing made in one mode serves in another: evaluation keys never become production by editing a word. */
function refuseOtherMode(what: string, mode: string, settings: Settings): void {
  if (mode === settings.mode) return;
  throw new Fault(
    'refused',
    'instance/other-mode',
    `${what} was made in mode ${mode} and the settings say ${settings.mode}; a mode is fixed by genesis`,
  );
}

@Module({})
export class InstanceModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: InstanceModule,
      imports,
      providers: [
        { provide: INSTANCE, inject: [SETTINGS], useFactory: loadInstance },
        { provide: TRUST_MATERIAL, inject: [SETTINGS], useFactory: loadTrustMaterial },
      ],
      exports: [INSTANCE, TRUST_MATERIAL],
    };
  }
}
