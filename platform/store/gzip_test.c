#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/gzip.h"

#define MOST 200000

/* Text that repeats itself, far and near. */
static void fill(char *p, size_t n)
{
	uint32_t seed = 7;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		p[i] = i % 70 == 69 ? '\n' : i > 9000 && seed >> 30 ?
			p[i - 9000] : (char)('a' + (seed >> 16) % 26);
	}
}

static void write_member(int fd, const char *p, size_t n, size_t step)
{
	struct gzip *z = gzip_new(fd);

	assert_non_null(z);
	for (size_t i = 0; i < n; i += step)
		assert_int_equal(gzip_write(z, p + i, n - i < step ? n - i :
					step), 0);
	assert_int_equal(gzip_end(z), 0);
}

/* How much of p is read, in pieces of step; -1. */
static long read_back(int fd, const char *p, size_t step)
{
	static char piece[MOST];
	struct gunzip *z = gunzip_new(fd, NULL);
	long all = 0, n;

	assert_non_null(z);
	while ((n = gunzip_read(z, piece, step, NULL)) > 0) {
		if (p)
			assert_memory_equal(piece, p + all, (size_t)n);
		all += n;
	}
	gunzip_free(z);
	return n < 0 ? -1 : all;
}

static void test_round(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 70001, MOST };
	static const size_t steps[] = { 1, 7, 4096, MOST };
	static char text[MOST];

	(void)state;
	fill(text, sizeof(text));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t k = 0; k < 4; k++) {
			int fd = memfd_create("z", 0);

			write_member(fd, text, sizes[i], steps[k]);
			assert_true(gzip_is(fd));
			assert_int_equal(read_back(fd, text, steps[k]),
					sizes[i]);
			assert_int_equal(gunzip_is_whole(fd, sizes[i]), 1);
			assert_int_equal(gunzip_is_whole(fd, sizes[i] + 1), 0);
			if (sizes[i] == MOST)
				assert_true(lseek(fd, 0, SEEK_END) < MOST);
			close(fd);
		}
	}
}

/* Several members are one file (RFC 1952 2.2). */
static void test_members(void **state)
{
	static char text[20000];
	int fd = memfd_create("z", 0);

	(void)state;
	fill(text, sizeof(text));
	write_member(fd, text, 5000, 5000);
	write_member(fd, text + 5000, 0, 1);
	write_member(fd, text + 5000, 15000, 100);
	assert_int_equal(read_back(fd, text, 999), 20000);
	close(fd);
}

/* Cut anywhere, or with any octet changed: never taken for whole. */
static void test_damage(void **state)
{
	static char text[3000], file[4000];
	int fd = memfd_create("z", 0);
	ssize_t n;

	(void)state;
	fill(text, sizeof(text));
	write_member(fd, text, sizeof(text), 100);
	n = pread(fd, file, sizeof(file), 0);
	for (ssize_t i = 0; i < n; i++) {
		char c = (char)(file[i] ^ 0x55);
		int is;

		pwrite(fd, &c, 1, i);
		is = gunzip_is_whole(fd, sizeof(text));
		/* time, flags of the compressor, system: nobody's business */
		assert_int_equal(is, i >= 4 && i < 10);
		pwrite(fd, file + i, 1, i);
	}
	for (ssize_t i = n - 1; i > 0; i--) {
		assert_int_equal(ftruncate(fd, i), 0);
		assert_int_equal(gunzip_is_whole(fd, sizeof(text)), 0);
		assert_int_equal(read_back(fd, text, 100), -1);
	}
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_false(gzip_is(fd));
	pwrite(fd, "\x1f\x8b\x09 no", 6, 0);
	assert_false(gzip_is(fd));
	close(fd);
}

/* A write that fails is told, and nothing leaks. */
static void test_full_disk(void **state)
{
	static char text[MOST];
	struct gzip *z = gzip_new(-1);

	(void)state;
	fill(text, sizeof(text));
	assert_int_equal(gzip_write(z, text, sizeof(text)), -1);
	assert_int_equal(gzip_end(z), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round), cmocka_unit_test(test_members),
		cmocka_unit_test(test_damage), cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
