/**
 * The HTTP server and its routes: functions, broadcasts, health, the Messages page and the demo's
 * sign-in.
 */
@NullMarked
package com.gptdesk.chat.service.server;

import org.jspecify.annotations.NullMarked;
