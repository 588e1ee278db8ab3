/** A door's declaration as an OpenAPI 3.1 document, the same bytes each time. */
import { z } from 'zod';
import { VERSION } from '../version.js';
import type { Answer, Content, DoorDeclaration, Operation, Parameter } from './declaration.js';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** The whole document, with a final newline. */
export function formatDocument(door: DoorDeclaration): string {
  const document = {
    openapi: '3.1.0',
    info: {
      title: door.title,
      version: VERSION,
      description: door.about,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: paths(door),
    components: { schemas: schemas(door) },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function schemas(door: DoorDeclaration): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(door.schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, io: 'input' }).schemas;
  return Object.fromEntries(
    Object.entries(made).map(([id, schema]) => {
      const { $schema: _dialect, $id: _id, ...rest } = schema;
      return [id, rest as Json];
    }),
  );
}

function paths(door: DoorDeclaration): Json {
  const all: Record<string, Record<string, Json>> = {};
  for (const operation of door.operations) {
    (all[operation.path] ??= {})[operation.method] = describe(operation, door);
  }
  return all;
}

function describe(operation: Operation, door: DoorDeclaration): Json {
  const { about, parameters = [], request, answers } = operation;
  return {
    summary: about,
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(parameter) }),
    ...(request === undefined ? {} : { requestBody: { required: true, content: content(request, door) } }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, given]) => [status, answer(given, door)]),
    ),
  };
}

function parameter({ name, in: place, about, required, type = 'string' }: Parameter): Json {
  return {
    name,
    in: place,
    description: about,
    required: required ?? place === 'path',
    schema: { type },
  };
}

function answer({ about, content: bodies, headers }: Answer, door: DoorDeclaration): Json {
  return {
    description: about,
    ...(headers === undefined
      ? {}
      : {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, description]) => [
              name,
              { description, schema: { type: 'string' } },
            ]),
          ),
        }),
    ...(bodies === undefined ? {} : { content: content(bodies, door) }),
  };
}

function content(bodies: readonly Content[], door: DoorDeclaration): Json {
  return Object.fromEntries(
    bodies.map(({ type, schema }) => {
      if (schema === undefined) return [type, {}];
      if (!Object.hasOwn(door.schemas, schema)) throw new Error(`${door.name} declares no schema ${schema}`);
      return [type, { schema: { $ref: `#/components/schemas/${schema}` } }];
    }),
  );
}
