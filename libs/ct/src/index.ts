/** The certificate log in this very process (RFC 6962), on the same engine as every other log here. */
export { CtLog, type CtPromise } from './ct-log.js';
export { CtLogs } from './ct-logs.js';
export { ctTrees } from './ct-trees.js';
export { CtModule } from './ct.module.js';
export { readSubmission, type Submission } from './read-submission.js';
export { sthFormat } from './sth-format.js';
