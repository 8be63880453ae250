/**
 * The HTTP server and its routes: functions, broadcasts, health, the Messages page and, in the
 * demo, somebody to be.
 */
@NullMarked
package com.gptdesk.chat.service.server;

import org.jspecify.annotations.NullMarked;
