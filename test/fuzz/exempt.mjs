/**
 * What the search finds and nobody feeds, each with the reason. A name that is no longer found fails the run, as does
 * a reader that is neither here nor among the targets.
 */
const writes =
  'writes: its octets are a value that was read before, any octets are one, and nothing is read out of them';
const path = 'takes the path of a directory that settings name, and reads nothing out of the text';
const refusal = 'takes what was thrown, and asks only whether it is a Fault';
const wire = 'opens a store or a connection under a name of our own; nothing is read out of the text';

/** @type {Readonly<Record<string, string>>} */
export const EXEMPT = {
  'airseal/admin:askAppliance':
    'speaks to our own socket; the answer is judged by its status, and a body that is no JSON counts as empty',
  'airseal/commands/config.command:findingOf':
    'asks the resolver about a host name that settings hold; settings are fed',
  'airseal/output:progress': writes,
  'airseal/places:readArtifact': 'any octets are an artifact',
  'airseal/tls-authorities:trustAuthorities':
    'hands a file of authorities to the TLS library of the runtime, for the whole process',
  'core/crypto:assertPermitted': 'compares the name of an algorithm with a table',
  'core/crypto:isPermitted': 'compares the name of an algorithm with a table',
  'core/crypto:hashPassword': 'any text is a password; made slow on purpose',
  'core/crypto:passwordMatches':
    'any text is a password; made slow on purpose, and what is stored is our own row',
  'core/crypto:verifyJws': 'checks a signature; the token around it is read by readToken',
  'core/ct:certificateExtraData': writes,
  'core/ct:precertificateExtraData': writes,
  'core/ct:digitallySigned': writes,
  'core/ct:merkleTreeLeaf': writes,
  'core/ct:sctListExtension': writes,
  'core/ct:sctSignedInput': writes,
  'core/ct:sthSignedInput': writes,
  'core/der:implicitPrimitive': writes,
  'airseal/deposit:depositStatement': 'sends what readDeposit has read to the appliance',
  'core/entry:issuerFacet': writes,
  'core/entry:keyFacet': writes,
  'core/entry:keyFingerprint': writes,
  'core/entry:predicateFacet': writes,
  'core/entry:subjectFacet': writes,
  'log:WorkerEntryChecker#readDeposit': 'hands the octets to a thread that calls depositFacts',
  'tree:searchKeyHash': writes,
  'core/json:isJsonObject': 'asks for the type of a value',
  'core/merkle:Edge': 'is made of hashes that a tree keeps, counted when they are handed in',
  'core/merkle:leafHash': writes,
  'core/merkle:nodeHash': writes,
  'core/note:keyHint': writes,
  'core/note:v1Origin': writes,
  'core/note:v2LogId': writes,
  'core/octets:compareOctets': 'any octets compare',
  'core/octets:equalOctets': 'any octets compare',
  'core/octets:toBase64': writes,
  'core/octets:toBase64Url': writes,
  'core/octets:toHex': writes,
  'core/trust:checkpointLogId': writes,
  'doors/rekor-v1/rekor-v1-refusal:entryLocation': writes,
  'hsm/agent/disk:HostDisk#read': 'reads a file of our own directory; what is in it is read by who asks',
  'hsm:newestJournalMs': path,
  'hsm:trialMessage': writes,
  'identity:identityType': 'looks a name up in a table; parseIssuersFile feeds it',
  'instance:trustMaterialPath': path,
  'log:V2Shard': wire,
  'log:hashedRekordRequest': writes,
  'platform:Metrics#readGauge': 'takes the name of a metric of our own',
  'platform:Metrics#readGauges': 'takes the name of a metric of our own',
  'platform:logError': refusal,
  'server/door-error-filter:doorErrorFilter': refusal,
  'timestamp:ledgerChecker': wire,
  'timestamp:ledgerFormat': wire,
  'trust-root:tufDirectory': path,
};
