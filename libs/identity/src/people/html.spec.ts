import { describe, expect, test } from '@jest/globals';
import { html } from './html.js';

describe('html', () => {
  test('lets no text become markup, and keeps what is markup already', () => {
    const inner = html`<b>${'<script>"&\''}</b>`;
    expect(html`<p title="${'">'}">${inner}</p>`.toString()).toBe(
      '<p title="&quot;&gt;"><b>&lt;script&gt;&quot;&amp;&#39;</b></p>',
    );
  });

  test('leaves nothing behind for what is not there', () => {
    expect(html`${undefined}${false}${null}${0}`.toString()).toBe('0');
  });
});
