/** The installation and its use in a process of its own: see inside.mjs. */
import { useInstallation } from './use-installation.mjs';

await useInstallation((line) => process.stdout.write(`  ✓ ${line}\n`));
