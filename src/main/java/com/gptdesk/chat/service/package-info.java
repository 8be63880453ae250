/**
 * The service: its commands, their settings, and the parts that they connect. It uses the library,
 * the packages beside this one, which never uses the service.
 */
@NullMarked
package com.gptdesk.chat.service;

import org.jspecify.annotations.NullMarked;
