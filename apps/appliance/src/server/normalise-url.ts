/**
 * One spelling per path, before routing.
 *
 * sigstore-go joins a base URL that ends in a slash to a path that begins with one, and sigstore-python ends
 * some of its paths in a slash. So slashes at the start count once, and a slash at the end not at all. What
 * stands between, percent-encoding and the query stay as they came: tiles and artefact names are matched
 * byte by byte.
 */
export function normaliseUrl(url: string): string {
  const queryAt = url.indexOf('?');
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  const query = queryAt === -1 ? '' : url.slice(queryAt);
  if (!path.startsWith('/')) return url;
  let start = 0;
  while (path[start + 1] === '/') start++;
  let end = path.length;
  while (end > start + 1 && path[end - 1] === '/') end--;
  return path.slice(start, end) + query;
}
