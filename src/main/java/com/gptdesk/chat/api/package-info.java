/**
 * The HTTP side of the service, as the official client speaks it: functions of the database by
 * name, health, and in the demo somebody to be. It decides nothing about the chat; what a caller
 * may do is the database's answer.
 */
@NullMarked
package com.gptdesk.chat.api;

import org.jspecify.annotations.NullMarked;
