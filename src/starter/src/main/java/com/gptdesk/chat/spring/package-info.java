/** The library in Spring Boot: beans, properties, health and metrics. */
@NullMarked
package com.gptdesk.chat.spring;

import org.jspecify.annotations.NullMarked;
