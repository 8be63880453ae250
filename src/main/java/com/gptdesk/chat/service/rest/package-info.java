/**
 * {@code /rest/v1/<table>}: tables in PostgREST's grammar. A request goes through {@link
 * com.gptdesk.chat.service.query.QueryParser} (text to model), the plans (model to jOOQ), the
 * database under the caller's role and claims, and {@link
 * com.gptdesk.chat.service.rest.TableResponse}. Row-level security and grants decide what a caller
 * sees and writes.
 */
@NullMarked
package com.gptdesk.chat.service.rest;

import org.jspecify.annotations.NullMarked;
