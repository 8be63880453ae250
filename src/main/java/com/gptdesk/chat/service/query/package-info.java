/**
 * PostgREST's grammar: the query of a request becomes a {@link
 * com.gptdesk.chat.service.query.TableQuery}. Tables and the results of functions are asked for by
 * the same.
 */
@NullMarked
package com.gptdesk.chat.service.query;

import org.jspecify.annotations.NullMarked;
