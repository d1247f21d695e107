#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct thing {
	int n;
	struct list link;
};

/* The numbers in the ring as decimal digits. */
static int digits(struct list *head)
{
	struct list *pos, *tmp;
	int all = 0;

	list_each(pos, tmp, head)
		all = all * 10 + container_of(pos, struct thing, link)->n;
	return all;
}

static void adds_and_removes(void **state)
{
	struct thing one = { .n = 1 }, two = { .n = 2 }, three = { .n = 3 };
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	list_add_tail(&head, &two.link);
	list_add_tail(&head, &three.link);
	list_add_head(&head, &one.link);
	assert_int_equal(digits(&head), 123);
	list_del(&two.link);
	list_del(&two.link);
	assert_int_equal(digits(&head), 13);
	assert_true(list_empty(&two.link));
	list_del(&one.link);
	list_del(&three.link);
	assert_true(list_empty(&head));
}

static void removes_in_the_loop(void **state)
{
	struct thing things[5];
	struct list head, *pos, *tmp;

	(void)state;
	list_init(&head);
	for (int i = 0; i < 5; i++) {
		things[i].n = i + 1;
		list_add_tail(&head, &things[i].link);
	}
	list_each(pos, tmp, &head)
		if (container_of(pos, struct thing, link)->n % 2)
			list_del(pos);
	assert_int_equal(digits(&head), 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_and_removes),
		cmocka_unit_test(removes_in_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
