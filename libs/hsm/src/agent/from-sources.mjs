/**
 * Lets the agent run from the TypeScript sources, as tests do: Node strips the types by itself, and
 * relative imports, which name the files that the compiler will write, are sent to the ones it reads.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const relative = specifier.startsWith('.') && context.parentURL?.endsWith('.ts');
    return next(relative ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});
